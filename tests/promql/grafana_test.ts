import assert from "node:assert/strict";
import { chartFiles, readFile } from "./rule_files.ts";

const ROOT = new URL("../../", import.meta.url);
const TYPES = new URL("grafana.ts", import.meta.url);

const MISTAKES = [
  [`"unit": "percentunit"`, `"unit": 1`],
  [`"colorMode": "value"`, `"colorMode": "vlaue"`],
  [`"type": "timeseries"`, `"type": "graph"`],
  [`"lineWidth": 1`, `"linewidth": 1`],
] as const;

Deno.test("dashboards: each is what Grafana's own types say it is", async () => {
  const dashboards = chartFiles("dashboards").map((path) => `dashboard = ${readFile(path)};`);

  assert.equal(dashboards.length, 3);
  assert.equal(await faultsOf(dashboards.join("\n")), "");
});

Deno.test("Grafana's types refuse a panel whose unit, options or kind is not theirs", async () => {
  const [fleet = ""] = chartFiles("dashboards").filter((path) => path.endsWith("fleet.json")).map(readFile);

  const wrong = MISTAKES.map(([right, mistake]) => {
    assert.ok(fleet.includes(right), right);
    return `dashboard = ${fleet.replace(right, mistake)};`;
  });
  const said = await faultsOf(wrong.join("\n"));

  for (const [, mistake] of MISTAKES) assert.ok(said.includes(mistake), mistake);
});

/** What the compiler says of statements that assign to `dashboard`; nothing when they are right. */
async function faultsOf(statements: string): Promise<string> {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    const head = `import type { WrittenDashboard } from "${TYPES}";\nexport let dashboard: WrittenDashboard;\n`;
    await Deno.writeTextFile(file, head + statements);
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--quiet", "--node-modules-dir=none", "--config", "deno.json", file],
      cwd: ROOT,
      env: { NO_COLOR: "1" },
      stdout: "null",
      stderr: "piped",
    }).output();
    return success ? "" : new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(file);
  }
}
