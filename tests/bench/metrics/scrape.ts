import { compare, middle, ratio } from "./compare.ts";
import { CONTENDER_NAMES } from "./contenders.ts";
import { pace, scrape } from "./load.ts";
import type { Line } from "./report.ts";
import { ALL_MOVING } from "./server.ts";
import { startServer } from "./servers.ts";

const LINES = 10_005;
const ROUNDS = 11;
const ROUND_MS = 3_000;
const EVERY_MS = 1_000;
const PER_SECOND = 1_000;
const MAX = 1.2;
const SERVERS = [...CONTENDER_NAMES, ALL_MOVING];
const WHAT = "request p99 while 10005 lines are scraped each second";

/** What a request waits for at worst while a large page is made and sent, to what it waits for without. */
export async function scrapeLines(): Promise<readonly Line[]> {
  await using stack = new AsyncDisposableStack();
  const runners = await Promise.all(SERVERS.map(async (who) => {
    const { port } = stack.use(await startServer(who, LINES));
    return [
      { name: `${who} quiet`, run: () => p99Of(port) },
      { name: `${who} scraped`, run: () => p99WhileScraped(port) },
    ];
  }));
  const rounds = await compare(runners.flat(), ROUNDS);
  return SERVERS.map((who) => {
    const toQuiet = ratio(rounds, `${who} scraped`, `${who} quiet`);
    const [quiet, scraped] = [middle(rounds, `${who} quiet`), middle(rounds, `${who} scraped`)];
    const line = { what: WHAT, who, figure: `${scraped.toFixed(2)} ms (quiet ${quiet.toFixed(2)})`, ratio: toQuiet };
    return who === "bound cells" ? { ...line, limit: { is: "≤", of: toQuiet, value: MAX } } : line;
  });
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
