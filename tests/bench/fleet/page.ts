import type { Result } from "../../../docs/generate/scale/measurement.ts";
import { plotOf, PLOTS } from "../../../docs/generate/scale/plot.ts";
import { tablesOf } from "./table.ts";

/** Results as one page of HTML that needs nothing beside. */
export function pageOf(results: readonly Result[]): string {
  const plots = Object.values(PLOTS).map((plot) => `<figure>${plotOf(results, plot)}</figure>`).join("\n");
  return `<!doctype html>
<meta charset="utf-8">
<title>A fleet on Brokkr</title>
<style>body { font: 14px sans-serif; margin: 2rem } figure { display: inline-block; margin: 0 2rem 2rem 0 }</style>
<h1>A fleet on Brokkr</h1>
${plots}
<pre>${tablesOf(results).join("\n")}</pre>
`;
}
