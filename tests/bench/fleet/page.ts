import { init } from "echarts";
import { MODES } from "./modes.ts";
import type { Result } from "./result.ts";
import { tablesOf } from "./table.ts";

const SIZE = { width: 640, height: 360 };

/** What a plot shows of a result, by the number of agents. */
interface Plot {
  readonly title: string;
  readonly unit: string;
  readonly of: (result: Result) => number;
}

const PLOTS: readonly Plot[] = [
  {
    title: "slowest kind of request, p99",
    unit: "ms",
    of: ({ times }) => Math.max(...Object.values(times).map(({ p99Ms }) => p99Ms)),
  },
  { title: "a broker's processors", unit: "cores", of: ({ brokerCores }) => brokerCores },
  { title: "a broker's memory", unit: "MiB", of: ({ brokerMiBLate }) => brokerMiBLate },
  { title: "the database's processors", unit: "cores", of: ({ databaseCores }) => databaseCores },
];

/** Results as one page of HTML that needs nothing beside. */
export function pageOf(results: readonly Result[]): string {
  const plots = PLOTS.map((plot) => `<figure>${plotOf(results, plot)}</figure>`).join("\n");
  return `<!doctype html>
<meta charset="utf-8">
<title>A fleet on Brokkr</title>
<style>body { font: 14px sans-serif; margin: 2rem } figure { display: inline-block; margin: 0 2rem 2rem 0 }</style>
<h1>A fleet on Brokkr</h1>
${plots}
<pre>${tablesOf(results).join("\n")}</pre>
`;
}

/** One plot as SVG: a line for each mode and number of brokers. */
function plotOf(results: readonly Result[], { title, unit, of }: Plot): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, ...SIZE });
  const brokers = [...new Set(results.map((result) => result.brokers))];
  const lines = MODES.flatMap((mode) => brokers.map((count) => ({ mode, count })));
  chart.setOption({
    animation: false,
    title: { text: title, textStyle: { fontSize: 14 } },
    legend: { bottom: 0, type: "scroll" },
    xAxis: { type: "log", name: "agents" },
    yAxis: { type: "value", name: unit },
    series: lines.flatMap(({ mode, count }) => {
      const points = results.filter((result) => result.mode === mode && result.brokers === count);
      if (points.length === 0) return [];
      const data = points.map((result) => [result.agents, of(result)]);
      return [{ type: "line", name: `${mode}, ${count} ${count === 1 ? "broker" : "brokers"}`, data }];
    }),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
