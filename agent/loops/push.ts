import { type Clock, unlessAborted } from "$lib/clock.ts";
import type { Log } from "$lib/log.ts";
import { type Backoff, jittered, runLoop } from "$lib/retry.ts";
import type { BrokerClient } from "../broker_client.ts";
import type { Sync } from "./sync.ts";

/** What hearing of changes needs. */
export interface PushParts {
  readonly agentId: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  readonly broker: Pick<BrokerClient, "awaitChange">;
  readonly sync: Pick<Sync, "revision" | "pollNow" | "polled">;
}

/** Pauses after a wait that failed, or that told of what no poll then found. */
const BACKOFF: Backoff = { minMs: 1_000, maxMs: 60_000 };
/** Between two waits, so that changes which follow one another closely cost one poll. */
const PAUSE_MS = 50;
/** How long after it knew nothing of such waits a broker is asked again: it may be another one by then. */
const UNKNOWN_PAUSE_MS = 300_000;

/**
 * Hears from the broker at once that there is something to poll for, and has it polled. It is only quicker: polls go on
 * without it, so that what goes wrong here is no news but for who looks for it.
 */
export async function waitForChanges(parts: PushParts, signal: AbortSignal): Promise<void> {
  const { clock, random, log } = parts;
  const loop = {
    intervalMs: PAUSE_MS,
    backoff: BACKOFF,
    turn: (turning: AbortSignal) => waitOnce(parts, turning),
    failed: (error: unknown, failures: number) => log.debug("waiting for changes failed", { failures, error }),
  };
  await runLoop(loop, { clock, random }, signal);
}

async function waitOnce({ agentId, broker, sync, clock, random, log }: PushParts, signal: AbortSignal): Promise<void> {
  const { revision } = sync;
  if (revision === undefined) return await unlessAborted(sync.polled, signal);
  const answer = await broker.awaitChange({ agentId, since: revision }, signal);
  if (answer.kind === "unknown") {
    log.info("the broker tells of no changes: they are found by polling");
    return await clock.sleep(jittered(UNKNOWN_PAUSE_MS, random), signal);
  }
  if (answer.kind === "unchanged") return answer.pauseMs === 0 ? undefined : await clock.sleep(answer.pauseMs, signal);
  await unlessAborted(sync.pollNow(), signal);
  if (sync.revision === revision) throw new Error("the broker tells of a change that no poll has found");
}
