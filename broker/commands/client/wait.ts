import type { z } from "zod";
import { isFailure, messageOf } from "$lib/error.ts";
import { Delivery, StackCause } from "$lib/wire/delivery.ts";
import { StackSubmission } from "$lib/wire/stack.ts";
import type { ClientParts } from "./declaration.ts";
import type { Goal } from "./flags.ts";
import { WaitProgress } from "./wait_progress.ts";
import { plain } from "./text.ts";

/** What is waited for. */
export interface Awaited {
  readonly stack: { readonly id: string; readonly name: string };
  readonly object: { readonly id: string; readonly sequenceId: number };
  /** Whether it was submitted before, so that agents may have tried it before. */
  readonly isUnchanged: boolean;
  readonly agentIds: readonly string[];
  readonly goal: Goal;
  readonly timeoutMs: number;
}

/** With how many agents it is how far. */
export interface GoalCounts {
  readonly desired: number;
  readonly applied: number;
  readonly healthy: number;
  readonly failed: number;
}

/** What is seen of it at one moment. */
export interface Seen {
  readonly isSettled: boolean;
  /** The submission that took its place, where one did. */
  readonly overtakenBy?: number | undefined;
  readonly counts: GoalCounts;
  /** The troubled ones first; of a large fleet these and some more. */
  readonly deliveries: readonly AwaitedDelivery[];
  /** Agents that are to have it and are not known to. */
  readonly missing: number;
}

/** One delivery of what is waited for. */
export type AwaitedDelivery = z.output<typeof Delivery>;

/** How the wait ended. */
export interface WaitOutcome {
  readonly kind: "there" | "failed" | "timed_out" | "interrupted";
  /** Why it can't be there. */
  readonly why?: string | undefined;
  readonly counts?: GoalCounts | undefined;
  /** Agents that are to have it and are not known to. */
  readonly missing: number;
  readonly elapsedMs: number;
  readonly goal: Goal;
  readonly causes?: readonly z.output<typeof StackCause>[];
}

/** How often is looked: soon at first. A look that takes long is taken less often, a tenth of the time at most. */
const PAUSES_MS = [200, 300, 500, 1_000] as const;
const LOOKING_SHARE = 10;
const GOES_ON = "what was submitted goes on without this command";
/** Deliveries that are read beside the troubled ones. */
const BESIDE = 100;

/** Waits until each agent that is to have a submission has it, until one can't, or until the time is over. */
export async function awaitGoal(awaited: Awaited, parts: ClientParts): Promise<WaitOutcome> {
  const { clock, signal } = parts;
  const { goal, timeoutMs } = awaited;
  const startMs = clock.monotonic();
  const progress = new WaitProgress(awaited, parts);
  let seen: Seen | undefined;
  let tries: ReadonlyMap<string, number> | undefined;
  const outcome = (kind: WaitOutcome["kind"], why?: string): WaitOutcome => ({
    ...{ kind, why, goal, counts: seen?.counts, missing: seen?.missing ?? 0, elapsedMs: clock.monotonic() - startMs },
  });
  try {
    for (let turn = 0;; turn += 1) {
      const lookedMs = clock.monotonic();
      seen = await lookOrWait(awaited, progress, parts) ?? seen;
      const leftMs = timeoutMs - (clock.monotonic() - startMs);
      if (seen?.isSettled) tries ??= triesBefore(seen, awaited);
      const verdict = seen && judge(seen, goal, { tries, endMs: parts.api.nowMs() + leftMs });
      if (seen !== undefined) {
        progress.show(seen, { elapsedMs: clock.monotonic() - startMs, isLast: verdict !== undefined });
      }
      if (verdict !== undefined) return await explained(outcome(verdict.kind, verdict.why), awaited, parts);
      if (leftMs <= 0) return await explained(outcome("timed_out"), awaited, parts);
      const pauseMs = PAUSES_MS[Math.min(turn, PAUSES_MS.length - 1)] ?? 0;
      const shareMs = LOOKING_SHARE * (clock.monotonic() - lookedMs);
      await clock.sleep(Math.min(leftMs, Math.max(pauseMs, shareMs)), signal);
    }
  } catch (error) {
    if (signal.aborted) return outcome("interrupted", GOES_ON);
    if (!isFailure(error, "broker_rejected")) throw error;
    return outcome("failed", `${plain(messageOf(error))}; ${GOES_ON}`);
  } finally {
    progress.end();
  }
}

/** Undefined while the broker does not answer. */
async function lookOrWait(awaited: Awaited, progress: WaitProgress, parts: ClientParts): Promise<Seen | undefined> {
  try {
    const seen = await look(awaited, parts);
    progress.isAway(undefined);
    return seen;
  } catch (error) {
    if (!isFailure(error, "broker_unavailable")) throw error;
    progress.isAway(plain(messageOf(error)));
    return undefined;
  }
}

const NONE: GoalCounts = { desired: 0, applied: 0, healthy: 0, failed: 0 };

async function look({ stack, object, agentIds }: Awaited, { api }: ClientParts): Promise<Seen> {
  const { value: [newest] } = await api.get(`stacks/${stack.id}/history`, StackSubmission.array(), { limit: 1 });
  const overtakenBy = newest !== undefined && newest.id !== object.id ? newest.sequence_id : undefined;
  const isSettled = newest !== undefined && newest.settled_at !== null;
  if (!isSettled || overtakenBy !== undefined) {
    return { isSettled, overtakenBy, counts: NONE, deliveries: [], missing: 0 };
  }
  const counts = {
    desired: newest.agents_desired,
    applied: newest.agents_applied,
    healthy: newest.agents_healthy,
    failed: newest.agents_failed,
  };
  const { items } = await api.list(`stacks/${stack.id}/deliveries`, Delivery, {}, counts.failed + BESIDE);
  const deliveries = items.filter(({ desired, state }) =>
    desired.id === object.id && state !== "terminating" && state !== "removed"
  );
  const known = new Set(deliveries.map(({ agent }) => agent.id));
  const areAllRead = deliveries.length >= counts.desired;
  const missing = areAllRead ? agentIds.filter((id) => !known.has(id)).length : 0;
  return { isSettled, counts, deliveries, missing };
}

interface Verdict {
  readonly kind: "there" | "failed";
  readonly why?: string;
}

/** What was tried before anybody waited for it: whatever kept it from being there then may have been mended since. */
function triesBefore({ deliveries }: Seen, { isUnchanged }: Awaited): ReadonlyMap<string, number> {
  return new Map(isUnchanged ? deliveries.map(({ agent, attempts }) => [agent.id, attempts]) : []);
}

/** What a look is judged beside. */
interface Past {
  /** How often agents had tried it, by their ids. */
  readonly tries: ReadonlyMap<string, number> | undefined;
  /** When the time is over, by the broker's clock. */
  readonly endMs: number;
}

/** Undefined while it may still get there. */
function judge(
  { isSettled, overtakenBy, counts, deliveries, missing }: Seen,
  goal: Goal,
  past: Past,
): Verdict | undefined {
  if (overtakenBy !== undefined) {
    return { kind: "failed", why: `submission ${overtakenBy} has taken its place` };
  }
  if (!isSettled || missing > 0) return undefined;
  if (counts.desired === 0) return { kind: "failed", why: "no agent is targeted: give the stack targets or labels" };
  const hopeless = deliveries.filter((one) => isHopeless(one, past));
  if (hopeless.length > 0) return { kind: "failed", why: whyOf(hopeless) };
  return counts[goal] >= counts.desired && counts.failed === 0 ? { kind: "there" } : undefined;
}

/** What is on its way out, or what waits for that, comes about by itself. */
const PASSING: ReadonlySet<string> = new Set(["going", "waiting"]);
/** What may be of a moment: another stack that is about to let an object go, a type that is about to be there. */
const MAY_PASS_ONCE: ReadonlySet<string> = new Set(["refused", "invalid_bundle", "wanted_elsewhere"]);

/** What waits for a person, and what was refused twice, does not come about by waiting, unless for another try. */
function isHopeless({ agent, state, reason, attempts, next_retry_at: next }: AwaitedDelivery, past: Past): boolean {
  if (MAY_PASS_ONCE.has(reason ?? "")) {
    const isTried = attempts >= 2 && (state === "failed" || state === "blocked");
    const isTriedAgain = attempts <= (past.tries?.get(agent.id) ?? 0) && next !== null && Date.parse(next) < past.endMs;
    return isTried && !isTriedAgain;
  }
  return state === "blocked" && !PASSING.has(reason ?? "");
}

const NAMES_SHOWN = 5;

function whyOf(hopeless: readonly AwaitedDelivery[]): string {
  const names = hopeless.slice(0, NAMES_SHOWN).map(({ agent, state, reason }) =>
    `"${plain(agent.name)}" (${reason === null ? state : `${state}: ${reason}`})`
  );
  const more = hopeless.length - names.length;
  const all = `${names.join(", ")}${more > 0 ? `, and ${more} more` : ""}`;
  return `${all} ${hopeless.length === 1 ? "does" : "do"} not get there by waiting`;
}

/** With the causes, where it is not there and the broker says them. */
async function explained(outcome: WaitOutcome, { stack }: Awaited, { api }: ClientParts): Promise<WaitOutcome> {
  if (outcome.kind === "there") return outcome;
  try {
    const { value: causes } = await api.get(`stacks/${stack.id}/causes`, StackCause.array());
    return { ...outcome, causes };
  } catch (error) {
    if (!isFailure(error, "broker_unavailable")) throw error;
    return { ...outcome, why: outcome.why ?? plain(messageOf(error)) };
  }
}
