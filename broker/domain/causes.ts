import type { HealthStatus, ObjectResult } from "$lib/wire/event.ts";
import type { ConnectivityLimits } from "./agent.ts";
import { editQuota, EXPLAINED, UNKNOWN } from "./explanations.ts";
import { activate, describe, rollback, submit } from "./next_commands.ts";
import { reasonLine, refusalCodeOf } from "./refusals.ts";
import type { KeptResults } from "./results.ts";
import { type SeenDelivery, type Verdict, verdictOf } from "./seen_delivery.ts";

/** Why a delivery is not as it should be, and what ends that. */
export interface Cause {
  readonly code: string;
  readonly text: string;
  readonly since: Date;
  /** A command for a shell with `BROKKR_URL` and `BROKKR_PAK`, or for the cluster; absent where waiting is all. */
  readonly next?: string;
  /** Where the documents say more, as a path of the repository. */
  readonly see: string;
}

/** What is known of one submission to a stack. */
export interface KnownSubmission {
  readonly sequenceId: number;
  readonly submittedAt: Date;
  /** Whether each agent that is to have it is told of it. */
  readonly isSettled: boolean;
  /** Whether it can be submitted again: its body is there, and is not a deletion marker's. */
  readonly isRepeatable: boolean;
}

/** What is known of a delivery. */
export interface CauseFacts {
  readonly seen: SeenDelivery;
  readonly limits: ConnectivityLimits;
  readonly results?: KeptResults | undefined;
  /** The last submissions to the stack, newest first. */
  readonly submissions?: readonly KnownSubmission[];
}

/** A cause before it is said where more of it is. */
export type FoundCause = Omit<Cause, "see">;

/** Why a delivery is not converged, the most basic cause first; none of one that is, or that has ended. */
export function causesOf(facts: CauseFacts): readonly Cause[] {
  const { seen, limits } = facts;
  if (seen.delivery.state === "removed") return [];
  const verdict = verdictOf(seen, limits);
  const causes = [
    ...agentCauses(seen, verdict),
    ...settlingCauses(facts),
    ...stateCauses(seen),
    ...retryCauses(seen),
    ...healthCauses(facts, verdict),
  ];
  return causes.map(documented);
}

/** The cause with its place in the documents. */
export function documented(cause: FoundCause): Cause {
  const anchor = CAUSE_ORDER.includes(cause.code) ? `#${cause.code}` : "";
  return { ...cause, see: `docs/content/how-to/find-out-why.md${anchor}` };
}

/** Every code, the most basic first; an agent that is newer may have further ones. */
export const CAUSE_ORDER: readonly string[] = [
  ...["nothing_submitted", "no_agent", "agent_not_registered"],
  ...["agent_inactive", "agent_never_connected", "agent_lost", "agent_late", "cluster_away"],
  ...["not_settled", "not_polled", "in_progress", "removing"],
  ...Object.keys(EXPLAINED),
  ...["retried", "degraded", "progressing"],
];

const AGENT_PODS = "kubectl get pods --all-namespaces --selector app.kubernetes.io/name=brokkr-agent";

function agentCauses({ agent, delivery, now }: SeenDelivery, { connectivity }: Verdict): readonly FoundCause[] {
  const { heartbeatAgeSeconds: age = 0 } = agent;
  const silentSince = new Date(now.getTime() - age * 1_000);
  const where = `of cluster "${agent.clusterName}"`;
  const isApplied = delivery.state === "applied";
  const inactive: FoundCause = {
    code: "agent_inactive",
    text: `Agent "${agent.name}" is INACTIVE: it writes nothing to its cluster`,
    since: delivery.desiredAt,
    next: activate(agent.id),
  };
  const silent: FoundCause = {
    code: connectivity === "never" ? "agent_never_connected" : `agent_${connectivity}`,
    text: connectivity === "never"
      ? `Agent "${agent.name}" ${where} has never been heard of`
      : `Agent "${agent.name}" ${where} has not been heard of for ${Math.floor(age)} s: what it said last may be wrong`,
    since: connectivity === "never" ? delivery.desiredAt : silentSince,
    next: AGENT_PODS,
  };
  const clusterAway: FoundCause = {
    code: "cluster_away",
    text: `Agent "${agent.name}" does not reach the API server ${where}`,
    since: silentSince,
    next: "kubectl get --raw '/readyz?verbose'",
  };
  return [
    ...(agent.status === "INACTIVE" && !isApplied ? [inactive] : []),
    ...(connectivity === "connected" || (connectivity === "never" && isApplied) ? [] : [silent]),
    ...(connectivity === "connected" && agent.k8sReachable === false ? [clusterAway] : []),
  ];
}

function settlingCauses({ seen, submissions = [] }: CauseFacts): readonly FoundCause[] {
  const newest = submissions.find(({ isSettled }) => !isSettled);
  if (newest === undefined || newest.sequenceId <= seen.desired.sequenceId) return [];
  return [notSettled(newest)];
}

/** What was submitted, and the agents are not yet to have. */
export function notSettled({ sequenceId, submittedAt }: KnownSubmission): FoundCause {
  const text =
    `Submission ${sequenceId} is not yet settled: the broker is still working out which agents are to have it`;
  return { code: "not_settled", text, since: submittedAt };
}

function stateCauses(seen: SeenDelivery): readonly FoundCause[] {
  const { state, reason, deliveredAt, desiredAt, observedAt } = seen.delivery;
  if (state === "applied") return [];
  if (state === "pending" && deliveredAt === undefined) {
    return [{ code: "not_polled", text: "The agent has not asked for it yet", since: desiredAt }];
  }
  if (state === "pending" || state === "applying") {
    const since = deliveredAt ?? desiredAt;
    return [{ code: "in_progress", text: "The agent has it, and has not said yet how it went", since }];
  }
  if (reason === undefined && state === "terminating") {
    return [{
      code: "removing",
      text: "It is to be removed, and the agent has not said yet that it is",
      since: desiredAt,
    }];
  }
  const code = codeOf(seen);
  const { what, next, isAll } = Object.hasOwn(EXPLAINED, code) ? EXPLAINED[code] ?? UNKNOWN : UNKNOWN;
  const why = reasonLine(seen.delivery.message, code);
  const text = why === undefined || isAll ? what : `${what}: ${why}`;
  const command = next?.(seen, why ?? "");
  return [{ code, text, since: observedAt, ...(command === undefined ? {} : { next: command }) }];
}

function codeOf({ delivery: { reason = "failed", message = "" } }: SeenDelivery): string {
  if (reason !== "refused" && reason !== "apply_failed") return reason;
  return refusalCodeOf(message) ?? reason;
}

function retryCauses({ delivery: { nextRetryAt, attempts, observedAt } }: SeenDelivery): readonly FoundCause[] {
  if (nextRetryAt === undefined) return [];
  const text = `It is tried again at ${nextRetryAt.toISOString()}, after ${attempts} ${
    attempts === 1 ? "try" : "tries"
  }`;
  return [{ code: "retried", text, since: observedAt }];
}

const UNHEALTHY: readonly HealthStatus[] = ["degraded", "progressing"];
const REASON_MAX = 255;

/** Of what an agent is believed to say: the first object that is as bad as the whole. */
function healthCauses(facts: CauseFacts, { health, healthReason }: Verdict): readonly FoundCause[] {
  const { seen: { delivery }, results } = facts;
  if (delivery.state !== "applied" || !UNHEALTHY.includes(health)) return [];
  const bad = results?.objects.find((object) => object.health === health);
  const why = bad === undefined ? healthReason : `${placeOf(bad)}${bad.health_reason ? `: ${bad.health_reason}` : ""}`;
  const what = health === "degraded" ? "It was applied and does not work" : "It was applied and does not work yet";
  const { appliedAt, healthyAt, observedAt, health: seen } = delivery;
  const since = (healthyAt === undefined ? appliedAt : seen?.at) ?? observedAt;
  const next = nextOfHealth(facts, bad);
  const text = why === undefined ? what : `${what}: ${lineOf(why)}`;
  return [{ code: health, text, since, ...(next === undefined ? {} : { next }) }];
}

/**
 * A full quota is to be raised. What never worked is to be another submission's; what has worked before is to be looked
 * at where it runs.
 */
function nextOfHealth(facts: CauseFacts, bad: ObjectResult | undefined): string | undefined {
  const { seen: { delivery, desired, stack }, submissions = [] } = facts;
  const { health_reason: why = delivery.health?.reason ?? "", namespace } = bad ?? {};
  if (refusalCodeOf(why) === "quota") return editQuota(why, namespace);
  if (delivery.health?.status === "degraded" && delivery.healthyAt === undefined) {
    const before = submissions.find((one) => one.sequenceId < desired.sequenceId && one.isRepeatable);
    if (before === undefined) return submit(stack);
    return rollback(stack, before.sequenceId);
  }
  return bad && describe(bad);
}

function placeOf({ kind, namespace, name }: ObjectResult): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

function lineOf(text: string): string {
  return text.slice(0, 2 * REASON_MAX).replaceAll(/\s+/g, " ");
}
