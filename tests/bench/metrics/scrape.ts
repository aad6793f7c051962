import { compare, isDecided, middle, ratio } from "./compare.ts";
import { CONTENDER_NAMES } from "./contenders.ts";
import { pace, scrape } from "./load.ts";
import type { Line } from "./report.ts";
import { ALL_MOVING } from "./server.ts";
import { startServer } from "./servers.ts";

const LINES = 10_005;
/**
 * A round's p99 is twice the next one's by chance: where there is a limit, the median of eleven rounds broke it in one
 * run of twenty. So there are as many as it takes until chance is no explanation any more.
 */
const ROUNDS = 41;
const ROUNDS_WITHOUT_LIMIT = 3;
const ROUND_MS = 3_000;
const EVERY_MS = 1_000;
const PER_SECOND = 1_000;
const MAX = 1.2;
const SERVERS = [...CONTENDER_NAMES, ALL_MOVING];
const WHAT = "request p99 while 10005 lines are scraped each second";

/** What a request waits for at worst while a large page is made and sent, to what it waits for without. */
export async function scrapeLines(): Promise<readonly Line[]> {
  const all: Line[] = [];
  for (const who of SERVERS) all.push(await lineOf(who));
  return all;
}

async function lineOf(who: string): Promise<Line> {
  await using server = await startServer(who, LINES);
  const isLimited = who === "bound instruments";
  const rounds = await compare(
    [
      { name: "quiet", run: () => p99Of(server.port) },
      { name: "scraped", run: () => p99WhileScraped(server.port) },
    ],
    isLimited ? ROUNDS : ROUNDS_WITHOUT_LIMIT,
    (all) => isLimited && isDecided(all.filter(isWithin).length, all.length),
  );
  const toQuiet = ratio(rounds, "scraped", "quiet");
  const [quiet, scraped] = [middle(rounds, "quiet"), middle(rounds, "scraped")];
  const line = { what: WHAT, who, figure: `${scraped.toFixed(2)} ms (quiet ${quiet.toFixed(2)})`, ratio: toQuiet };
  return isLimited ? { ...line, limit: { is: "≤", of: toQuiet, value: MAX } } : line;
}

function isWithin({ quiet, scraped }: { readonly quiet: number; readonly scraped: number }): boolean {
  return scraped / quiet <= MAX;
}

async function p99Of(port: number): Promise<number> {
  const taken = (await pace(port, { perSecond: PER_SECOND, ms: ROUND_MS })).toSorted((a, b) => a - b);
  return taken[Math.floor(taken.length * 0.99)] ?? NaN;
}

async function p99WhileScraped(port: number): Promise<number> {
  const scrapes: Promise<number>[] = [];
  const timer = setInterval(() => scrapes.push(scrape(port)), EVERY_MS);
  const p99 = await p99Of(port).finally(() => clearInterval(timer));
  if ((await Promise.all(scrapes)).length === 0) throw new Error("Nothing was scraped");
  return p99;
}
