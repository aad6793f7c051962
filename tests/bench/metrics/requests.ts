import { compare, middle, ratio, type Rounds } from "./compare.ts";
import { CONTENDER_NAMES } from "./contenders.ts";
import { saturate } from "./load.ts";
import type { Line } from "./report.ts";
import { type BenchServer, startServer } from "./servers.ts";

const NAMES = ["bare", "metrics off", ...CONTENDER_NAMES];
/** A process may have bad luck with where its code lies: several of each are asked. */
const GENERATIONS = 4;
const ROUNDS = 25;
const ROUND_MS = 100;
const MIN = 0.96;
const WHAT = "requests per second of its own time";

/**
 * Requests that a busy server answers in a second in which it runs. The machine's other work takes the processor away
 * from one more often than from the next, and would be most of the difference in requests per second of the day.
 */
export async function requestLines(): Promise<readonly Line[]> {
  const rounds: Rounds<string>[number][] = [];
  for (let generation = 0; generation < GENERATIONS; generation++) rounds.push(...await oneGeneration());
  return NAMES.map((who) => {
    const toOff = ratio(rounds, who, "metrics off");
    const line = { what: WHAT, who, figure: middle(rounds, who).toFixed(0), ratio: toOff };
    return who === "bound instruments" ? { ...line, limit: { is: "≥", of: toOff, value: MIN } } : line;
  });
}

async function oneGeneration(): Promise<Rounds<string>> {
  await using stack = new AsyncDisposableStack();
  const runners = await Promise.all(NAMES.map(async (name) => {
    const server = stack.use(await startServer(name));
    return { name, run: () => rateOf(server) };
  }));
  return await compare(runners, ROUNDS);
}

async function rateOf(server: BenchServer): Promise<number> {
  const beforeNs = server.runNs();
  const requests = await saturate(server.port, ROUND_MS);
  return requests * 1e9 / (server.runNs() - beforeNs);
}
