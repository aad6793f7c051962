/**
 * What parsing a bundle costs, by shape and by way, side by side: `lib/bundle` is to be five times as fast as Brokkr 0.10.0
 * was, in the same run. Each shape is parsed by every way in turn, several rounds, and the best round of each counts:
 * whatever else the machine does only takes time.
 *
 * usage: deno task bench parse [KiB of each shape, default 1024] [rounds, default 5]
 */
import { shapes } from "./parse/shapes.ts";
import { WAYS } from "./parse/ways.ts";

type Way = keyof typeof WAYS;

/** How many times as fast as 0.10.0 each shape is to be parsed; of dashboards, which are texts in texts, both only look. */
const TIMES_AS_FAST: Readonly<Record<string, number>> = { "dashboards": 1 };
const TIMES_AS_FAST_ELSE = 5;

function main(kibibytes: number, rounds: number): number {
  const rows = Object.entries(shapes(kibibytes * 1024)).map(([shape, text]) => ({
    shape,
    text,
    bestMs: measure(text, rounds),
  }));
  console.log(["shape".padEnd(16), "KiB".padStart(6), ...Object.keys(WAYS).map((way) => way.padStart(16))].join(""));
  for (const { shape, text, bestMs } of rows) {
    const times = Object.values(bestMs).map((ms) => `${ms.toFixed(1)} ms`.padStart(16));
    console.log([shape.padEnd(16), (text.length / 1024).toFixed(0).padStart(6), ...times].join(""));
  }
  const slow = rows.filter(({ shape, bestMs }) => bestMs["lib/bundle"] * promised(shape) > bestMs["0.10.0"]);
  for (const { shape, bestMs } of slow) {
    const ratio = (bestMs["0.10.0"] / bestMs["lib/bundle"]).toFixed(1);
    console.error(`NOT HELD: ${shape}: ${ratio} times as fast as 0.10.0, ${promised(shape)} are promised`);
  }
  return slow.length === 0 ? 0 : 1;
}

function promised(shape: string): number {
  return TIMES_AS_FAST[shape] ?? TIMES_AS_FAST_ELSE;
}

function measure(text: string, rounds: number): Record<Way, number> {
  const best = Object.fromEntries(Object.keys(WAYS).map((way) => [way, Infinity])) as Record<Way, number>;
  for (let round = 0; round < rounds; round += 1) {
    for (const [way, parse] of Object.entries(WAYS)) {
      const start = performance.now();
      if (parse(text) === 0) throw new Error(`Cannot measure: ${way} finds nothing in the text`);
      best[way as Way] = Math.min(best[way as Way], performance.now() - start);
    }
  }
  return best;
}

Deno.exit(main(Number(Deno.args[0] ?? 1024), Number(Deno.args[1] ?? 5)));
