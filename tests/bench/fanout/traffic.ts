import { Connection } from "../hot_paths/connection.ts";
import { requestBytes } from "../hot_paths/paths.ts";
import type { CrowdAgent } from "../crowd.ts";

const CONNECTIONS = 32;

/** What is asked all the while: how long each answer took from when it was due, in milliseconds. */
export interface Traffic {
  readonly heartbeatMs: number[];
  readonly pollMs: number[];
  /** Answers of `/readyz` that were not 200. */
  notReady: number;
}

/**
 * Heartbeats and polls, so many a second of each, as long as the signal does not abort. They are due by the clock: one
 * that waits makes those after it late, as it would agents.
 */
export async function traffic(
  url: string,
  { agents, perSecond }: { readonly agents: readonly CrowdAgent[]; readonly perSecond: number },
  signal: AbortSignal,
): Promise<Traffic> {
  const seen: Traffic = { heartbeatMs: [], pollMs: [], notReady: 0 };
  using opened = new DisposableStack();
  const free: Connection[] = [];
  for (let count = 0; count < CONNECTIONS; count += 1) free.push(opened.use(await Connection.open(url)));
  const etags = new Map<string, string>();
  const turns: Promise<void>[] = [];
  const startMs = performance.now();
  for (let turn = 0; !signal.aborted; turn += 1) {
    const dueMs = startMs + turn * 500 / perSecond;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    const agent = agents[(turn >> 1) % agents.length];
    const connection = await nextFree(free);
    if (agent === undefined) continue;
    const ask = turn % 2 === 0 ? beat(connection, agent) : poll(connection, agent, etags);
    const into = turn % 2 === 0 ? seen.heartbeatMs : seen.pollMs;
    turns.push(ask.then(() => {
      into.push(performance.now() - dueMs);
      free.push(connection);
    }));
    if (turn % perSecond === 0) turns.push(isReady(url).then((ready) => void (seen.notReady += ready ? 0 : 1)));
  }
  await Promise.all(turns);
  return seen;
}

async function nextFree(free: Connection[]): Promise<Connection> {
  for (;;) {
    const connection = free.shift();
    if (connection !== undefined) return connection;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function beat(connection: Connection, { id, pak }: CrowdAgent): Promise<void> {
  const { status } = await connection.ask(requestBytes("POST", `/api/v1/agents/${id}/heartbeat`, { pak, body: {} }));
  if (status !== 204) throw new Error(`Cannot measure: a heartbeat was answered ${status}`);
}

async function poll(connection: Connection, { id, pak }: CrowdAgent, etags: Map<string, string>): Promise<void> {
  const etag = etags.get(id);
  const headers = etag === undefined ? [] : [`if-none-match: ${etag}`];
  const answer = await connection.ask(requestBytes("GET", `/api/v1/agents/${id}/snapshot`, { pak, headers }));
  if (answer.status !== 200 && answer.status !== 304) {
    throw new Error(`Cannot measure: a poll was answered ${answer.status}`);
  }
  if (answer.etag !== undefined) etags.set(id, answer.etag);
}

async function isReady(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/readyz`);
  await answer.body?.cancel();
  return answer.status === 200;
}
