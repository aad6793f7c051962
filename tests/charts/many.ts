import assert from "node:assert/strict";
import { parse, stringify } from "yaml";
import type { ChartName } from "../../docs/generate/charts/schema.ts";
import { helm, type HelmAnswer } from "../helm/helm.ts";
import { chartFolder, RELEASE, type Values, withImage } from "./render.ts";

/** What a chart renders with each of several values, in their order, by one call of Helm. */
export async function renderTexts(chart: ChartName, all: readonly Values[]): Promise<readonly string[]> {
  const { code, stdout, stderr } = await templateAll(chart, all);
  assert.equal(code, 0, stderr);
  const texts = all.map((): string[] => []);
  for (const part of stdout.split(/^---\n(?=# Source: )/m)) {
    const [, i] = /^# Source: around\/charts\/alias(\d+)z\//.exec(part) ?? [];
    if (i !== undefined) texts[Number(i)]?.push(part.replaceAll(`alias${i}z`, chart));
  }
  return texts.map((parts) => parts.join("---\n"));
}

/** What Helm says against each of several values, by one call: empty where its schema takes them. */
export async function schemaFaults(chart: ChartName, all: readonly Values[]): Promise<readonly string[]> {
  const { stderr } = await templateAll(chart, all);
  const faults = all.map(() => "");
  for (const part of stderr.split(/^(?=alias\d+z:$)/m)) {
    const [, i] = /^alias(\d+)z:$/m.exec(part) ?? [];
    if (i !== undefined) faults[Number(i)] = part;
  }
  return faults;
}

/**
 * Helm takes 60 ms a call, most of which is not rendering: here the chart is many dependencies of one around it, each
 * under a name and with values of its own. Without `nameOverride` the name of one is its alias.
 */
async function templateAll(chart: ChartName, all: readonly Values[]): Promise<HelmAnswer> {
  const around = await Deno.makeTempDir({ prefix: "brokkr-around-" });
  try {
    const { version } = parse(await Deno.readTextFile(`${chartFolder(chart)}/Chart.yaml`));
    const dependencies = all.map((_, i) => ({ name: chart, version, alias: `alias${i}z` }));
    const values = Object.fromEntries(all.map((values, i) => [`alias${i}z`, withImage(chart, values)]));
    await Deno.mkdir(`${around}/charts`);
    await Deno.symlink(chartFolder(chart), `${around}/charts/${chart}`);
    await Deno.writeTextFile(
      `${around}/Chart.yaml`,
      stringify({ apiVersion: "v2", name: "around", version: "1.0.0", dependencies }),
    );
    await Deno.writeTextFile(`${around}/values.yaml`, JSON.stringify(values));
    return await helm(["template", RELEASE.name, around, "--namespace", RELEASE.namespace]);
  } finally {
    await Deno.remove(around, { recursive: true });
  }
}
