import { unlessAborted } from "$lib/clock.ts";
import { Connection } from "../hot_paths/connection.ts";
import { requestBytes } from "../hot_paths/paths.ts";
import { pause, reconnectMs } from "./pauses.ts";

/** Room for an answer, which is a number or nothing. */
const BUFFER_BYTES = 2_048;
const WAIT_SECONDS = 25;

/** Whose changes are waited for. */
export interface Waiting {
  readonly url: string;
  readonly id: string;
  readonly pak: string;
  /** The revision that the agent has, once it has one. */
  readonly revision: () => Promise<number>;
  /** Has the agent poll at once; resolves when that is over, however it ends. */
  readonly nextRevision: () => Promise<void>;
}

/**
 * Keeps one request held by the broker, on a connection of its own, until the signal aborts. What fails is no error of
 * the fleet: its polls go on, and say what is wrong with the broker.
 */
export async function waitForChanges(waiting: Waiting, signal: AbortSignal): Promise<void> {
  let connection: Connection | undefined;
  while (!signal.aborted) {
    try {
      connection ??= await Connection.open(waiting.url, BUFFER_BYTES);
      await unlessAborted(waitOnce(waiting, connection, signal), signal);
    } catch {
      connection?.[Symbol.dispose]();
      connection = undefined;
      await pause(reconnectMs(), signal);
    }
  }
  connection?.[Symbol.dispose]();
}

async function waitOnce(waiting: Waiting, connection: Connection, signal: AbortSignal): Promise<void> {
  const { id, pak, revision, nextRevision } = waiting;
  const since = await revision();
  const path = `/api/v1/agents/${id}/changes?since=${since}&wait=${WAIT_SECONDS}`;
  const { status, retryAfterSeconds } = await connection.ask(requestBytes("GET", path, { pak }));
  if (status === 200) return await nextRevision();
  if (status !== 204) throw new Error(`GET changes ${status}`);
  await pause(retryAfterSeconds * 1_000, signal);
}
