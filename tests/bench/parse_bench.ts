/**
 * What parsing a bundle costs, by shape and by way, side by side: `lib/bundle` is to be five times as fast as Brokkr
 * 0.10.0 was, in the same run. Each shape is parsed by every way in turn, several rounds, the first of which only warms
 * up; told are medians, and what is promised is the median of each round's own ratio: whatever else the machine does
 * befalls both.
 *
 * usage: deno task bench parse [KiB of each shape, default 1024] [rounds, default 9]
 */
import { shapes } from "./parse/shapes.ts";
import { WAYS } from "./parse/ways.ts";

type Way = keyof typeof WAYS;
const WAY_NAMES = Object.keys(WAYS) as Way[];

/**
 * How many times as fast as 0.10.0 each shape is to be parsed; of dashboards, which are texts in texts, both only look.
 */
const TIMES_AS_FAST: Readonly<Record<string, number>> = { "dashboards": 1 };
const TIMES_AS_FAST_ELSE = 5;

function main(kibibytes: number, rounds: number): number {
  const rows = Object.entries(shapes(kibibytes * 1024)).map(([shape, text]) => ({
    shape,
    text,
    ...measure(text, rounds),
  }));
  console.log(["shape".padEnd(16), "KiB".padStart(6), ...Object.keys(WAYS).map((way) => way.padStart(16))].join(""));
  for (const { shape, text, medianMs } of rows) {
    const times = Object.values(medianMs).map((ms) => `${ms.toFixed(1)} ms`.padStart(16));
    console.log([shape.padEnd(16), (text.length / 1024).toFixed(0).padStart(6), ...times].join(""));
  }
  const slow = rows.filter(({ shape, timesAsFast }) => timesAsFast < promised(shape));
  for (const { shape, timesAsFast } of slow) {
    console.error(
      `NOT HELD: ${shape}: ${timesAsFast.toFixed(2)} times as fast as 0.10.0, ${promised(shape)} are promised`,
    );
  }
  return slow.length === 0 ? 0 : 1;
}

function promised(shape: string): number {
  return TIMES_AS_FAST[shape] ?? TIMES_AS_FAST_ELSE;
}

interface Measured {
  readonly medianMs: Readonly<Record<Way, number>>;
  /** How many times as fast as 0.10.0 we are. */
  readonly timesAsFast: number;
}

function measure(text: string, rounds: number): Measured {
  oneRound(text);
  const all = Array.from({ length: rounds }, () => oneRound(text));
  const medianMs = Object.fromEntries(WAY_NAMES.map((way) => [way, median(all.map((ms) => ms[way]))]));
  return {
    medianMs: medianMs as Record<Way, number>,
    timesAsFast: median(all.map((ms) => ms["0.10.0"] / ms["lib/bundle"])),
  };
}

/** Milliseconds of each way. */
function oneRound(text: string): Readonly<Record<Way, number>> {
  const times = Object.entries(WAYS).map(([way, parse]) => {
    const start = performance.now();
    if (parse(text) === 0) throw new Error(`Cannot measure: ${way} finds nothing in the text`);
    return [way, performance.now() - start];
  });
  return Object.fromEntries(times);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? NaN;
}

Deno.exit(main(Number(Deno.args[0] ?? 1024), Number(Deno.args[1] ?? 9)));
