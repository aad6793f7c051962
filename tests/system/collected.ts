import type { Program } from "./programs.ts";
import { type Samples, scrape } from "./metrics_page.ts";
import { eventually } from "./wait.ts";

/** Flags of a program whose garbage {@linkcode collected} has collected. */
export const COLLECTING: readonly string[] = [
  "--v8-flags=--expose-gc",
  `--preload=${new URL("collect_on_signal.ts", import.meta.url).pathname}`,
];
/** What the preloaded module says. */
const COLLECTED = "the garbage is collected";

/** The page of a program that was started with {@linkcode COLLECTING}, after a collection of garbage. */
export async function collected(program: Program): Promise<Samples> {
  const times = () => program.output().split(COLLECTED).length;
  const before = times();
  Deno.kill(program.pid, "SIGUSR2");
  await eventually(COLLECTED, () => times() > before);
  return await scrape(program.url);
}
