import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { readBrokerSettings } from "../../broker/settings.ts";
import { promtool } from "../prometheus/promtool.ts";
import { testWith } from "../run/parts.ts";
import { readFile } from "./rule_files.ts";

const PAGE = "docs/content/reference/monitoring.md";
const CHARTS = ["charts/brokkr-broker", "charts/brokkr-agent"];

const ServiceMonitor = z.strictObject({
  apiVersion: z.literal("monitoring.coreos.com/v1"),
  kind: z.literal("ServiceMonitor"),
  metadata: z.object({ name: z.enum(["brokkr-broker", "brokkr-agent"]) }),
  spec: z.object({
    selector: z.object({ matchLabels: z.object({ "app.kubernetes.io/name": z.string() }) }),
    endpoints: z.array(z.object({ port: z.string(), path: z.literal("/metrics"), relabelings: z.array(z.unknown()) })),
  }),
});

/** What stands in the page's code blocks of a language. */
function blocks(language: string): readonly string[] {
  return [...readFile(PAGE).matchAll(/^```(\w+)\n(.*?)^```/gms)].filter(([, one]) => one === language)
    .map(([, , text = ""]) => text);
}

/** Lays the page's files in a folder as the page says: rules beside the configuration, a token where it is looked for. */
async function laidOut(folder: string): Promise<readonly string[]> {
  const token = `${folder}/token`;
  await Deno.writeTextFile(token, "a token");
  for (const program of ["broker", "agent"]) {
    const rules = blocks("yaml").find((text) => text.includes(`- name: brokkr-${program}\n    rules:`)) ?? "";
    await Deno.writeTextFile(`${folder}/brokkr-${program}.yaml`, rules);
  }
  const texts = blocks("yaml").filter((text) => text.startsWith("# prometheus.yml"));
  const paths = texts.map((_, at) => `${folder}/prometheus-${at}.yml`);
  for (const [at, path] of paths.entries()) {
    await Deno.writeTextFile(path, texts[at]?.replace(/(credentials_file): .*/, `$1: ${token}`) ?? "");
  }
  return paths;
}

for (const version of [2, 3] as const) {
  testWith(
    "prometheus",
    `monitoring.md: every scrape configuration is one as pasted (version ${version})`,
    async () => {
      const folder = await Deno.makeTempDir({ prefix: "brokkr-monitoring-" });
      try {
        const paths = await laidOut(folder);

        assert.equal(paths.length, 2);
        for (const path of paths) {
          const { code, lines } = await promtool(version).checkConfig(path);
          assert.equal(code, 0, lines.join("\n"));
        }
        assert.match((await promtool(version).checkConfig(paths[0] ?? "")).lines.join("\n"), /15 rules found/);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  );
}

Deno.test("monitoring.md: each ServiceMonitor selects what its chart renders", () => {
  const text = blocks("yaml").find((one) => one.includes("kind: ServiceMonitor")) ?? "";

  const monitors = parseAllDocuments(text).map((one) => ServiceMonitor.parse(one.toJS()));

  assert.equal(monitors.length, 2);
  for (const { metadata, spec } of monitors) {
    const template = readFile(`charts/${metadata.name}/templates/service.yaml`);
    assert.equal(spec.selector.matchLabels["app.kubernetes.io/name"], metadata.name);
    for (const { port, relabelings } of spec.endpoints) {
      assert.match(template, new RegExp(`name: ${port}, port`));
      assert.deepEqual(relabelings, [{ action: "labeldrop", regex: "endpoint" }]);
    }
  }
});

Deno.test("monitoring.md: the values for Helm are values of both charts", () => {
  const text = blocks("yaml").find((one) => one.startsWith("# values.yaml")) ?? "";
  const [wanted] = parseAllDocuments(text).map((one) => leaves(one.toJS()));

  assert.ok(wanted !== undefined && wanted.length >= 6);
  for (const chart of CHARTS) {
    const [known = []] = parseAllDocuments(readFile(`${chart}/values.yaml`)).map((one) => leaves(one.toJS()));
    const unknown = wanted.filter((path) => !known.some((one) => `${path}.`.startsWith(`${one}.`)));
    assert.deepEqual(unknown, [], chart);
  }
});

Deno.test("monitoring.md: the settings for a port and a token are settings", () => {
  const [text = ""] = blocks("toml");

  const { settings } = readBrokerSettings({
    args: [],
    env: { BROKKR_CONFIG_FILE: "/etc/brokkr/broker.toml" },
    readFile: () => text,
  });

  assert.equal(settings["metrics.port"], 9090);
});

/** The paths of a tree's leaves; an empty table is a leaf. */
function leaves(tree: unknown, path: readonly string[] = []): readonly string[] {
  if (typeof tree !== "object" || tree === null || Object.keys(tree).length === 0) return [path.join(".")];
  return Object.entries(tree).flatMap(([key, below]) => leaves(below, [...path, key]));
}
