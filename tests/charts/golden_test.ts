import assert from "node:assert/strict";
import { stringify } from "yaml";
import { VERSION } from "$lib/program/version.ts";
import { testWith } from "../run/parts.ts";
import { render, type Rendered } from "./render.ts";
import { SAMPLES } from "./samples.ts";

const FOLDER = new URL("../golden/charts/", import.meta.url);
/** `deno task golden` writes them anew. */
const isUpdate = Deno.args.includes("--update");

for (const [name, { chart, values }] of Object.entries(SAMPLES)) {
  testWith("helm", `chart ${chart} renders what tests/golden/charts/${name}.yaml holds`, async () => {
    const text = (await render(chart, values)).map(goldenText).join("---\n");

    const file = new URL(`${name}.yaml`, FOLDER);
    if (isUpdate) await Deno.writeTextFile(file, text);
    const kept = await Deno.readTextFile(file);
    assert.deepEqual(
      text.split("\n"),
      kept.split("\n"),
      `tests/golden/charts/${name}.yaml is stale: run "deno task golden"`,
    );
  });
}

/** An object without what other tests hold, and what every release changes. */
function goldenText(object: Rendered): string {
  const text = stringify(withoutContents(object), { lineWidth: 0 });
  return text.replaceAll(VERSION, "<version>").replaceAll(/(checksum\/\w+): [0-9a-f]{64}/g, "$1: <sha256>");
}

/** Rules and dashboards by their names only: their texts are files of the charts. */
function withoutContents(object: Rendered): unknown {
  if (object.kind === "PrometheusRule") {
    return { ...object, spec: { groups: object.spec.groups.map(({ name }) => ({ name, rules: "<rules>" })) } };
  }
  if (object.kind !== "ConfigMap") return object;
  return { ...object, data: Object.fromEntries(Object.keys(object.data ?? {}).map((key) => [key, "<dashboard>"])) };
}
