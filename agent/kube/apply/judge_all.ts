import type { Clock } from "$lib/clock.ts";
import { type Failure, isFailure } from "$lib/error.ts";
import { isRefused, isServerAway, isTimeout } from "$lib/kubernetes.ts";
import { allEnded } from "../all_ended.ts";
import { type Desired, errorText } from "../desired.ts";
import { forgetUnserved } from "../discovery.ts";
import { faultText } from "./decode_fault.ts";
import { judge, type JudgeParts, type Verdict } from "./judge.ts";
import { pauseUnsettled, UNSETTLED_TRIES } from "./settling.ts";

/** An object and what is to be done with it. */
export interface Judged {
  readonly one: Desired;
  readonly verdict: Verdict;
}

/** What judging many needs. */
export interface JudgeAllParts extends JudgeParts {
  readonly clock: Clock;
  /** This turn wrote what the API server decides by, and may not have heard of yet: a refusal is asked about again. */
  readonly isUnsettled: boolean;
}

/**
 * Judges all at once, and those refused again while that may help.
 *
 * @throws {Failure} `kubernetes_unavailable` when the API server is away: then nothing is known of any.
 */
export async function judgeAll(
  parts: JudgeAllParts,
  desired: readonly Desired[],
  signal: AbortSignal,
): Promise<readonly Judged[]> {
  let judged = await judgeOnce(parts, desired, signal);
  for (let tries = 1; parts.isUnsettled && tries < UNSETTLED_TRIES && judged.some(isWorthAsking); tries += 1) {
    await pauseUnsettled(parts.clock, tries, signal);
    const again = await judgeOnce(parts, judged.filter(isWorthAsking).map(({ one }) => one), signal);
    judged = [...judged.filter((one) => !isWorthAsking(one)), ...again];
  }
  return judged;
}

/** What was waited for in vain may be so for each object, half a minute each: the next turn asks again. */
function isWorthAsking({ verdict }: Judged): boolean {
  return verdict.is === "refused" && !isTimeout({ status: verdict.status ?? 0, message: verdict.why });
}

/** When one finds the API server away, the others that were not asked about are not. */
async function judgeOnce(
  parts: JudgeParts,
  desired: readonly Desired[],
  signal: AbortSignal,
): Promise<readonly Judged[]> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  return await allEnded(desired, async (one): Promise<Judged> => {
    try {
      return { one, verdict: await judge(parts, one, either) };
    } catch (error) {
      forgetUnserved(parts.discovery, one.place, error);
      if (isAnswer(error)) return { one, verdict: refusalOf(error, one) };
      stop.abort(error);
      throw error;
    }
  });
}

/** Whether the API server said no to this one object. */
function isAnswer(error: unknown): error is Failure {
  return isFailure(error, "kubernetes_rejected", "kubernetes_unavailable") && !isServerAway(error);
}

/** There is no other sign of a definition that is going; that of a Namespace says so in its causes, too. */
const HOLDER_IS_GOING = /because it is being terminated$|while custom resource definition is terminating$/;

function refusalOf(error: Failure, { object }: Desired): Verdict {
  if (isRefused(error, 403) && HOLDER_IS_GOING.test(errorText(error))) return { is: "going", isHolder: true };
  const status = error.details?.status;
  return { is: "refused", why: faultText(error, object), ...(typeof status === "number" ? { status } : {}) };
}
