import { type Answer, Connection } from "./connection.ts";

/** What one client asks, again and again. */
export type Ask = (turn: number) => Uint8Array;

/** What was measured of one path. */
export interface Measured {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What is asked, and which answer is right. */
export interface Load {
  /** What the client of each connection asks; shared where there are fewer. */
  readonly asks: readonly Ask[];
  readonly status: number;
  /** How many connections ask at most: all, when left out. */
  readonly clientsMax?: number;
}

/**
 * Every connection asks as fast as it is answered, for `ms` milliseconds.
 *
 * @throws When an answer is not the right one.
 */
export async function load(
  connections: readonly Connection[],
  { asks, status, clientsMax = Infinity }: Load,
  ms: number,
): Promise<Measured> {
  const tookMs: number[] = [];
  const startMs = performance.now();
  await Promise.all(
    connections.slice(0, clientsMax).map(async (connection, index) => {
      const ask = asks[index % asks.length];
      if (ask !== undefined) await askUntil(connection, ask, { status, tookMs, endMs: startMs + ms });
    }),
  );
  const seconds = (performance.now() - startMs) / 1_000;
  tookMs.sort((one, other) => one - other);
  return {
    requests: tookMs.length,
    perSecond: tookMs.length / seconds,
    p50Ms: quantile(tookMs, 0.5),
    p99Ms: quantile(tookMs, 0.99),
  };
}

interface Asking {
  readonly status: number;
  readonly tookMs: number[];
  readonly endMs: number;
}

async function askUntil(connection: Connection, ask: Ask, { status, tookMs, endMs }: Asking): Promise<void> {
  for (let turn = 0, nowMs = performance.now(); nowMs < endMs; turn += 1) {
    const answer = await connection.ask(ask(turn));
    if (answer.status !== status) throw new Error(`Cannot measure: the answer was ${answer.status}, not ${status}`);
    const sinceMs = nowMs;
    nowMs = performance.now();
    tookMs.push(nowMs - sinceMs);
  }
}

/** Asks once, on a connection of its own. */
export async function askOnce(url: string, request: Uint8Array): Promise<Answer> {
  using connection = await Connection.open(url);
  return await connection.ask(request);
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
