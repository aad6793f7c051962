import assert from "node:assert/strict";
import { type ChartName, CHARTS } from "../../docs/generate/charts/schema.ts";
import { parse } from "yaml";
import { helm } from "../helm/helm.ts";
import { blocksOf } from "../pages/blocks.ts";
import { testWith } from "../run/parts.ts";
import { chartFolder, render, the } from "./render.ts";

for (const chart of Object.keys(CHARTS) as ChartName[]) {
  testWith("helm", `chart ${chart}: every helm install that its README shows would install it`, async () => {
    const commands = installCommands(await Deno.readTextFile(`${chartFolder(chart)}/README.md`));

    assert.ok(commands.length > 0);
    for (const [release = "", path, ...flags] of commands) {
      assert.equal(path, `charts/${chart}`);
      const { code, stderr } = await helm(["template", release, chartFolder(chart), ...flags]);
      assert.equal(code, 0, stderr);
    }
  });
}

testWith(
  "helm",
  "install-with-helm.md: its values for a private certificate bring the file that they name",
  async () => {
    const blocks = await blocksOf("docs/content/how-to/install-with-helm.md");
    const named = blocks.filter(({ language, text }) => language === "yaml" && text.includes("SSL_CERT_FILE"));
    const [values] = named.map(({ text }) => parse(text));

    const { containers: [{ env, volumeMounts = [] }] } =
      the(await render("brokkr-broker", values), "Deployment").spec.template.spec;

    const file = env.find(({ name }) => name === "SSL_CERT_FILE")?.value ?? "";
    assert.ok(volumeMounts.some(({ mountPath }) => file.startsWith(`${mountPath}/`)), file);
  },
);

/** The words after `helm install` of each such command in the text's shell blocks. */
function installCommands(text: string): readonly string[][] {
  const blocks = [...text.matchAll(/^```sh\n([^]*?)^```/gm)].map(([, block = ""]) => block.replaceAll("\\\n", " "));
  const lines = blocks.flatMap((block) => block.split("\n"));
  return lines.filter((line) => line.startsWith("helm install ")).map((line) => line.split(/\s+/).slice(2));
}
