import type { Declaration } from "$lib/metrics.ts";
import { CATALOGUE } from "../catalogue.ts";

/** How many series each program's page has, counted from the declarations. */
export function cardinalityText(): string {
  const [broker, agent, both] = [CATALOGUE.broker, CATALOGUE.agent, CATALOGUE.both].map(seriesOf);
  const telemetry = seriesOf(CATALOGUE.telemetry);
  const open = CATALOGUE.broker.filter((one) => !isClosed(one));
  const perPath = open.filter(({ type }) => type === "histogram").reduce((sum, one) => sum + linesOf(one), 0);
  return [
    `- An agent's page: ${(agent ?? 0) + (both ?? 0)} series, constant from start-up.`,
    `- A broker's page: ${
      (broker ?? 0) + (both ?? 0)
    } series, and of HTTP, for each method and path in use, ${perPath} of time and one for each status.`,
    `- While telemetry is sent by OTLP: ${telemetry} series more on either page.`,
  ].join("\n");
}

function seriesOf(declarations: readonly Declaration[]): number {
  return declarations.filter(isClosed).reduce((sum, one) => sum + linesOf(one) * labelSetsOf(one), 0);
}

/** Whether every label set is known; `brokkr_build_info` and `target_info` have one each, whatever it is. */
function isClosed({ name, labels }: Declaration): boolean {
  return name.endsWith("_info") || Object.values(labels).every((values) => values !== "text");
}

function labelSetsOf({ name, labels }: Declaration): number {
  if (name.endsWith("_info")) return 1;
  return Object.values(labels).reduce((product, values) => product * (values === "text" ? 1 : values.length), 1);
}

/** A histogram is a line for each bound, one for all, a sum and a count. */
function linesOf(declaration: Declaration): number {
  return declaration.type === "histogram" ? declaration.buckets.length + 3 : 1;
}
