import { compare, middle, ratio } from "./compare.ts";
import { type Contender, CONTENDER_NAMES, type ContenderName, CONTENDERS } from "./contenders.ts";
import { LINES_PER_SET } from "./labels.ts";
import type { Line } from "./report.ts";

const LINES = [1_005, 10_005];
const ROUNDS = 21;
/** What a page may have beside the benches' own series: the registry's own, and HTTP's that begin at 0. */
const LINES_BESIDE = 20;
const OBSERVATIONS = 20;
const MAX = 1 / 6;

const SINCE = [{ since: "every series moved", moved: 1 }, { since: "none moved", moved: 0 }] as const;
type Since = typeof SINCE[number];

/** What a page costs, as the bytes that are sent, after a page of which every series moved since, or none. */
export async function pageLines(): Promise<readonly Line[]> {
  const all: Line[] = [];
  for (const lines of LINES) for (const since of SINCE) all.push(...await linesOf(lines, since));
  return all;
}

async function linesOf(lines: number, { since, moved }: Since): Promise<readonly Line[]> {
  const contenders = CONTENDER_NAMES.map((name) => ({ name, contender: filled(name, lines / LINES_PER_SET) }));
  for (const { contender } of contenders) await mustHave(contender, lines);
  const times = await compare(
    contenders.map(({ name, contender }) => ({ name, run: () => timeOf(contender, moved) })),
    ROUNDS,
  );
  return CONTENDER_NAMES.map((who) => {
    const toSdk = ratio(times, who, "OpenTelemetry SDK");
    const line = {
      what: `page of ${lines} lines, ${since}`,
      who,
      figure: `${middle(times, who).toFixed(0)} µs`,
      ratio: toSdk,
    };
    return who === "bound instruments" ? { ...line, limit: { is: "≤", of: toSdk, value: MAX } } : line;
  });
}

/** A contender whose every series has values. */
export function filled(name: ContenderName, sets: number): Contender {
  const contender = CONTENDERS[name](sets);
  move(contender, OBSERVATIONS);
  return contender;
}

/** Moves every series so many times. */
export function move(contender: Contender, rounds: number): void {
  contender.count(rounds);
  contender.record(rounds);
}

async function mustHave(contender: Contender, lines: number): Promise<void> {
  const page = await contender.page("text");
  const has = page.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length;
  if (has < lines || has > lines + LINES_BESIDE) throw new Error(`The page has ${has} lines, and not ${lines}`);
}

async function timeOf(contender: Contender, moved: number): Promise<number> {
  move(contender, moved);
  const startMs = performance.now();
  new TextEncoder().encode(await contender.page("text"));
  return (performance.now() - startMs) * 1_000;
}
