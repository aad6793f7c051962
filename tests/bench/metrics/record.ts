import { compare, median, middle, ratio, type Rounds } from "./compare.ts";
import { type Contender, CONTENDER_NAMES, type ContenderName, CONTENDERS } from "./contenders.ts";
import type { Line } from "./report.ts";

/** V8's own, there because `tests/bench/main.ts` starts benches with it. */
declare function gc(): void;

type Kind = "count" | "record";

const LABEL_SETS = 8;
const ROUNDS = 31;
/**
 * Records a call: a loop that runs for long in its first call would be compiled less well than one that is called
 * often.
 */
const BATCH = 1_000;
/** Batches of a round, so that each contender's takes about 20 ms. */
const BATCHES: Readonly<Record<ContenderName, number>> = {
  ...{ "bound instruments": 2_000, "OpenTelemetry SDK": 30, "prom-client": 60 },
};
/** Batches of a round that counts garbage: so few that V8 does not collect it meanwhile, however much there is. */
const GARBAGE_BATCHES: Readonly<Record<ContenderName, number>> = {
  ...{ "bound instruments": 100, "OpenTelemetry SDK": 5, "prom-client": 5 },
};
const GARBAGE_ROUNDS = 30;
/**
 * To be shown as 0: asking for the heap's size makes 216 B now and then, but a number on the heap would be 12 B a
 * record.
 */
const GARBAGE_MAX_BYTES = 0.01;
const KINDS = [
  { kind: "count", what: "counter, 3 labels", max: 1 / 100 },
  { kind: "record", what: "histogram, 3 labels, 11 bounds", max: 1 / 50 },
] as const;

/** What one record costs, in time and in garbage. */
export async function recordLines(): Promise<readonly Line[]> {
  const lines: Line[] = [];
  for (const { kind, what, max } of KINDS) {
    const contenders = new Map(CONTENDER_NAMES.map((name) => [name, CONTENDERS[name](LABEL_SETS)]));
    const times = await compare(
      [...contenders].map(([name, one]) => ({ name, run: () => timeOf(name, one[kind]) })),
      ROUNDS,
    );
    lines.push(...timeLines(what, times, max));
    for (const [name, contender] of contenders) lines.push(garbageLine(what, name, contender[kind]));
  }
  return lines;
}

function timeLines(what: string, times: Rounds<ContenderName>, max: number): readonly Line[] {
  return CONTENDER_NAMES.map((who) => {
    const toSdk = ratio(times, who, "OpenTelemetry SDK");
    const line = { what, who, figure: `${middle(times, who).toFixed(1)} ns`, ratio: toSdk };
    return who === "bound instruments" ? { ...line, limit: { is: "≤", of: toSdk, value: max } } : line;
  });
}

function timeOf(name: ContenderName, work: Contender[Kind]): number {
  const batches = BATCHES[name];
  const startMs = performance.now();
  for (let batch = 0; batch < batches; batch++) work(BATCH / LABEL_SETS);
  return (performance.now() - startMs) * 1e6 / (batches * BATCH);
}

function garbageLine(what: string, who: ContenderName, work: Contender[Kind]): Line {
  const bytes = garbageOf(who, work);
  const figure = `${bytes.toFixed(bytes < 1 ? 2 : 0)} B`;
  const line = { what: `${what}: garbage`, who, figure };
  return who === "bound instruments" ? { ...line, limit: { is: "≤", of: bytes, value: GARBAGE_MAX_BYTES } } : line;
}

/** Bytes that a record leaves on the heap, in the middle round: in some V8 keeps a few thousand for itself, once. */
function garbageOf(name: ContenderName, work: Contender[Kind]): number {
  const batches = GARBAGE_BATCHES[name];
  const rounds = Array.from({ length: GARBAGE_ROUNDS }, () => {
    gc();
    const before = Deno.memoryUsage().heapUsed;
    for (let batch = 0; batch < batches; batch++) work(BATCH / LABEL_SETS);
    return (Deno.memoryUsage().heapUsed - before) / (batches * BATCH);
  });
  return median(rounds);
}
