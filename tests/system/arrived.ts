import assert from "node:assert/strict";
import type { ProgramName } from "../compile/task.ts";
import type { Collector, ReceivedPoint } from "../collector/collector.ts";
import { seriesKey, totalsOf } from "../collector/totals.ts";
import { type Samples, scrape } from "./metrics_page.ts";
import { eventually } from "./wait.ts";

/** Families that a page has and no receiver gets, each with the reason. */
export const OF_PAGE: Readonly<Record<string, string>> = {
  target_info: "its labels are the resource of what is sent",
  brokkr_metrics_series: "it counts the series of the page",
  brokkr_metrics_scrape_duration_seconds: "it times the page",
};

/** A program whose page can be asked, and whose telemetry goes to a Collector. */
export interface Sending {
  readonly program: ProgramName;
  readonly url: string;
  readonly collector: Collector;
  /** When the process began, where another one had sent before. */
  readonly sinceNanos?: bigint;
}

/** All points of the process, in the order they came. */
async function pointsOf({ program, collector, sinceNanos = 0n }: Sending): Promise<ReceivedPoint[]> {
  return (await collector.points()).filter(({ resource, timeNanos }) =>
    resource["service.name"] === `brokkr-${program}` && timeNanos > sinceNanos
  );
}

/**
 * Waits until what was sent is what the page says: the page is asked before and after an export, whose values must lie
 * between. Every series of the page must have arrived, and no other but gauges that have ended, as that of a version
 * that no agent has any more.
 *
 * @returns Those points, and all before them.
 */
export async function untilAsOnPage(sending: Sending): Promise<readonly ReceivedPoint[]> {
  return await eventually(`what the ${sending.program} sent is what its page says`, async () => {
    const before = keyed(await scrape(sending.url));
    const fromNanos = BigInt(Date.now()) * 1_000_000n;
    const points = await eventually(`the ${sending.program} sends again`, async () => {
      const all = await pointsOf(sending);
      return all.some(({ timeNanos }) => timeNanos > fromNanos) && all;
    });
    const after = keyed(await scrape(sending.url));
    const still = points.filter(({ kind, timeNanos }) => kind !== "gauge" || timeNanos > fromNanos);
    mustLieBetween(before, totalsOf(still), after);
    return points;
  });
}

function mustLieBetween(
  before: ReadonlyMap<string, number>,
  totals: ReturnType<typeof totalsOf>,
  after: ReadonlyMap<string, number>,
): void {
  assert.deepEqual([...after.keys()].filter((key) => !totals.has(key)), [], "these series were not sent");
  assert.deepEqual([...totals.keys()].filter((key) => !after.has(key)), [], "these series are not on the page");
  const wrong = [...totals].flatMap(([key, { kind, value }]) => {
    const [least, most] = [before.get(key) ?? 0, after.get(key) ?? 0];
    const isMoving = kind === "gauge" && least !== most;
    const isBetween = least - ROUNDING * Math.abs(least) <= value && value <= most + ROUNDING * Math.abs(most);
    return isMoving || isBetween ? [] : [`${key}: ${value} was sent, the page said ${least} and then ${most}`];
  });
  assert.deepEqual(wrong, []);
}

/** Intervals that are added up again are rounded each. */
const ROUNDING = 1e-9;

/** What a page says that is sent, by the same keys as what arrives. */
function keyed(samples: Samples): ReadonlyMap<string, number> {
  return new Map([...samples].flatMap(([series, value]) => {
    const [, name = "", labels = ""] = /^([^{]+)(?:\{(.*)\})?$/.exec(series) ?? [];
    if (name in OF_PAGE) return [];
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = "", text = ""]) => [label, text]);
    return [[seriesKey(name, Object.fromEntries(pairs)), value] as const];
  }));
}
