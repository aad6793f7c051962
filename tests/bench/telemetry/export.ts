import { setImmediate } from "node:timers/promises";
import { systemClock } from "$lib/clock.ts";
import { bound, counter, createRegistry, histogram, type Registry } from "$lib/metrics.ts";
import { metricsHandler } from "$lib/exposition.ts";
import { createOtlpSender } from "$lib/telemetry/otlp.ts";
import type { ExportOutcomes } from "$lib/telemetry/outcomes.ts";
import { PushReader, startPush } from "$lib/telemetry/push.ts";
import { noClient } from "../../fakes/otlp_receiver.ts";
import { silentLog } from "../../fakes/silent_log.ts";
import { compare, middle, ratio } from "../metrics/compare.ts";
import { BUCKETS, labelSets, LINES_PER_SET, values, VALUES_MASK } from "../metrics/labels.ts";
import type { Line } from "../metrics/report.ts";

const LINES = 10_005;
const ROUNDS = 31;
const OBSERVATIONS = 20;
const TIME_MAX = 3;
const PIECE_MAX_MS = 2;
const TEMPORALITIES = ["cumulative", "delta"] as const;
const LABELS = { method: "text", endpoint: "text", status: "text" } as const;
const METRICS = {
  operations: counter({ name: "bench_operations_total", help: "Operations.", labels: LABELS }),
  duration: histogram({ name: "bench_duration_seconds", help: "Time.", unit: "s", labels: LABELS, buckets: BUCKETS }),
};

/** What an export costs beside the page of the same series, and for how long each of the two holds the loop. */
export async function exportLines(): Promise<readonly Line[]> {
  const all: Line[] = [];
  for (const temporality of TEMPORALITIES) all.push(...await linesOf(temporality));
  return all;
}

async function linesOf(temporality: (typeof TEMPORALITIES)[number]): Promise<readonly Line[]> {
  const reader = new PushReader(temporality);
  const registry = createRegistry({ clock: systemClock(), log: silentLog(), readers: [reader] });
  const move = filled(registry);
  const page = scraper(registry);
  const send = exporter(registry, reader, temporality);
  const moved = (name: string, run: () => Promise<number>) => ({ name, run: () => (move(), run()) });
  const took = await compare(
    [moved("page", () => timeOf(page)), moved("export", () => timeOf(send))],
    ROUNDS,
  );
  const pieces = await compare(
    [moved("page", () => longestPieceOf(page)), moved("export", () => longestPieceOf(send))],
    ROUNDS,
  );
  const [toPage, longer] = [ratio(took, "export", "page"), middle(pieces, "export") - middle(pieces, "page")];
  const of = (rounds: typeof took) =>
    `${middle(rounds, "export").toFixed(2)} ms (page ${middle(rounds, "page").toFixed(2)})`;
  const who = `${temporality}, ${LINES} lines`;
  return [
    {
      ...{ what: "an export, to a page of the same series, both compressed", who, figure: of(took), ratio: toPage },
      limit: { is: "≤", value: TIME_MAX, of: toPage },
    },
    {
      ...{ what: "its longest piece, less that of a page", who, figure: of(pieces) },
      limit: { is: "≤", value: PIECE_MAX_MS, of: longer },
    },
  ];
}

/** Fills a registry; moves every series once more, each time it is called. */
function filled(registry: Registry): () => void {
  const { operations, duration } = registry.register(METRICS);
  const cells = labelSets(LINES / LINES_PER_SET).map((labels) => ({
    counter: bound(operations, labels),
    histogram: bound(duration, labels),
  }));
  const recorded = values();
  let at = 0;
  const move = () => {
    for (const { counter, histogram } of cells) {
      counter.add();
      histogram.record(recorded[at++ & VALUES_MASK] ?? 0);
    }
  };
  for (let count = 0; count < OBSERVATIONS; count += 1) move();
  return move;
}

/** As Prometheus asks for it, and gets it: compressed, as an export is. */
function scraper(registry: Registry): () => Promise<void> {
  const answer = metricsHandler(registry, silentLog());
  const headers = { accept: "application/openmetrics-text; version=1.0.0", "accept-encoding": "gzip" };
  return async () => {
    await answer?.(new Request("http://bench/metrics", { headers }));
  };
}

/** As a network has it, other work comes in between. */
async function answeredLater(): Promise<Response> {
  await setImmediate();
  return new Response();
}

const MAX_BYTES = 500_000;

/** Exports once, by everything but a network; the same push each time, which knows what it sent before. */
function exporter(
  registry: Registry,
  others: PushReader,
  temporality: (typeof TEMPORALITIES)[number],
): () => Promise<void> {
  const [clock, log] = [systemClock(), silentLog()];
  const sender = createOtlpSender({
    ...{ url: new URL("http://127.0.0.1:9/v1/metrics"), headers: [], signalHeaders: [], headersFile: undefined },
    ...{ caFile: undefined, clientCertFile: undefined, clientKeyFile: undefined, compression: "gzip" } as const,
    ...{ maxBytes: MAX_BYTES, timeoutMs: 10_000 },
  }, {
    ...{ fetch: answeredLater as typeof fetch, clock, random: () => 0.5, log, env: {}, userAgent: "bench" },
    ...{ onSecret: () => {}, makeClient: noClient },
  });
  let ended = Promise.withResolvers<void>();
  const outcomes = { ended: () => ended.resolve() } as unknown as ExportOutcomes;
  const permits = new Permits();
  const options = { temporality, maxPoints: 1_000, maxBytes: MAX_BYTES, intervalMs: 3_600_000 };
  const start = () =>
    startPush(options, {
      ...{ own: registry.producer, others, resource: () => ({ "service.name": "bench" }), sender, outcomes },
      ...{ clock: { ...clock, sleep: () => permits.take() }, random: () => 0.5, log },
    });
  let push: ReturnType<typeof startPush> | undefined;
  return async () => {
    ended = Promise.withResolvers<void>();
    if (push === undefined) push = start();
    else permits.give();
    await ended.promise;
  };
}

/** Lets whoever waits go on, once for each permit that is given. */
class Permits {
  #left = 0;
  #wake = () => {};

  give(): void {
    this.#left += 1;
    this.#wake();
  }

  async take(): Promise<void> {
    if (this.#left === 0) await new Promise<void>((resolve) => this.#wake = resolve);
    this.#left -= 1;
    this.#wake = () => {};
  }
}

async function timeOf(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

/** For how many milliseconds some work held the loop at most. */
async function longestPieceOf(work: () => Promise<void>): Promise<number> {
  await setImmediate();
  let [lastMs, longestMs, isDone] = [performance.now(), 0, false];
  const working = work().then(() => isDone = true);
  while (!isDone) {
    await setImmediate();
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - lastMs);
    lastMs = nowMs;
  }
  await working;
  return longestMs;
}
