import { init } from "echarts";
import { MODES, type Result, slowestMs } from "./measurement.ts";

const SIZE = { width: 640, height: 360 };

/** What a plot shows of results, by the number of agents. */
export interface Plot {
  readonly title: string;
  readonly unit: string;
  readonly of: (result: Result) => number | undefined;
}

/** Every plot, by the name of its file. */
export const PLOTS: Readonly<Record<string, Plot>> = {
  times: { title: "slowest kind of request, p99", unit: "ms", of: slowestMs },
  ends: { title: "until the last agent is done", unit: "s", of: ({ overSeconds }) => overSeconds },
  cores: {
    title: "processors of one broker",
    unit: "cores",
    of: ({ brokerCores, brokers }) => brokerCores / brokers,
  },
  memory: { title: "memory of one broker", unit: "MiB", of: ({ brokerMiBLate }) => brokerMiBLate },
  database: { title: "processors of the database", unit: "cores", of: ({ databaseCores }) => databaseCores },
};

/** A plot as SVG: a line for each mode and number of brokers. */
export function plotOf(results: readonly Result[], { title, unit, of }: Plot): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, ...SIZE });
  const brokers = [...new Set(results.map((result) => result.brokers))].sort();
  const lines = MODES.flatMap((mode) => brokers.map((count) => ({ mode, count })));
  chart.setOption({
    animation: false,
    backgroundColor: "#fff",
    title: { text: title, textStyle: { fontSize: 14 } },
    legend: { bottom: 0 },
    grid: { bottom: 80 },
    xAxis: { type: "log", name: "agents", min: 100, max: 10_000 },
    yAxis: { type: "value", name: unit },
    series: lines.flatMap(({ mode, count }) => {
      const data = results.filter((result) => result.mode === mode && result.brokers === count)
        .flatMap((result) => of(result) === undefined ? [] : [[result.agents, of(result)]]);
      if (data.length === 0) return [];
      return [{ type: "line", name: `${mode}, ${count} ${count === 1 ? "broker" : "brokers"}`, data }];
    }),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
