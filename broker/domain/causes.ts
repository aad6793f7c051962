import type { HealthStatus, ObjectResult, ReportReason } from "$lib/wire/event.ts";
import type { ConnectivityLimits } from "./agent.ts";
import type { KeptResults } from "./results.ts";
import { type SeenDelivery, type Verdict, verdictOf } from "./seen_delivery.ts";

/** Why a delivery is not as it should be, and what ends that. */
export interface Cause {
  readonly code: string;
  readonly text: string;
  readonly since: Date;
  /** A command for a shell with `BROKKR_URL` and `BROKKR_PAK`, or for the cluster; absent where waiting is all. */
  readonly next?: string;
  /** The page of the documents that says more. */
  readonly see: string;
}

/** What is known of a delivery. */
export interface CauseFacts {
  readonly seen: SeenDelivery;
  readonly limits: ConnectivityLimits;
  readonly results?: KeptResults | undefined;
}

const TEXT_MAX = 500;

/** Why a delivery is not converged, the most basic cause first; none of one that is, or that has ended. */
export function causesOf(facts: CauseFacts): readonly Cause[] {
  const { seen, limits, results } = facts;
  if (seen.delivery.state === "removed") return [];
  const verdict = verdictOf(seen, limits);
  const causes = [
    ...agentCauses(seen, verdict),
    ...stateCauses(seen),
    ...retryCauses(seen),
    ...healthCauses(seen, verdict, results?.objects ?? []),
  ];
  return causes.map((cause) => ({ ...cause, see: pageOf(cause) }));
}

type Found = Omit<Cause, "see">;

function pageOf({ code }: Found): string {
  return (Object.hasOwn(PAGES, code) ? PAGES[code] : undefined) ?? "explanation/how-delivery-works.md";
}

/** Where more is said than how a delivery goes on. */
const PAGES: Readonly<Record<string, string>> = {
  agent_never_connected: "how-to/install-with-helm.md",
  agent_lost: "how-to/answer-alerts.md",
  agent_late: "how-to/answer-alerts.md",
  prune_held: "explanation/why-nothing-is-deleted-by-inference.md",
  epoch_hold: "explanation/why-nothing-is-deleted-by-inference.md",
  namespace_not_empty: "explanation/why-nothing-is-deleted-by-inference.md",
  suspended: "how-to/set-a-stacks-policy.md",
  rights: "how-to/bound-what-a-team-delivers.md",
  conflict: "explanation/whose-an-object-is.md",
  wanted_elsewhere: "explanation/whose-an-object-is.md",
};

const AGENT_PODS = "kubectl get pods --all-namespaces --selector app.kubernetes.io/name=brokkr-agent";

function agentCauses({ agent, delivery, now }: SeenDelivery, { connectivity }: Verdict): readonly Found[] {
  const { heartbeatAgeSeconds: age = 0 } = agent;
  const silentSince = new Date(now.getTime() - age * 1_000);
  const where = `of cluster "${agent.clusterName}"`;
  const inactive: Found = {
    code: "agent_inactive",
    text: `Agent "${agent.name}" is INACTIVE: it writes nothing to its cluster`,
    since: delivery.desiredAt,
    next: request("PUT", `/agents/${agent.id}`, { status: "ACTIVE" }),
  };
  const silent: Found = {
    code: connectivity === "never" ? "agent_never_connected" : `agent_${connectivity}`,
    text: connectivity === "never"
      ? `Agent "${agent.name}" ${where} has never been heard of`
      : `Agent "${agent.name}" ${where} has not been heard of for ${Math.floor(age)} s: what it said last may be wrong`,
    since: connectivity === "never" ? delivery.desiredAt : silentSince,
    next: AGENT_PODS,
  };
  return [
    ...(agent.status === "INACTIVE" && delivery.state !== "applied" ? [inactive] : []),
    ...(connectivity === "connected" || (connectivity === "never" && delivery.state === "applied") ? [] : [silent]),
  ];
}

function stateCauses(seen: SeenDelivery): readonly Found[] {
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
  const { what, next } = Object.hasOwn(EXPLAINED, code) ? EXPLAINED[code] ?? UNKNOWN : UNKNOWN;
  const said = firstLine(seen.delivery.message);
  const text = said === undefined ? what : `${what}: ${said}`;
  return [{ code, text, since: observedAt, ...(next === undefined ? {} : { next: next(seen) }) }];
}

/** What the API server's words say of a refusal, the most telling first. */
const REFUSALS: readonly (readonly [code: RefusalCode, words: string])[] = [
  ["quota", "exceeded quota"],
  ["admission", "admission webhook"],
  ["admission", "denied request"],
  ["namespace_missing", 'namespaces "'],
  ["type_missing", "no matches for kind"],
  ["conflict", "conflict"],
  ["rights", "forbidden"],
];
type RefusalCode = "quota" | "admission" | "namespace_missing" | "type_missing" | "conflict" | "rights";

function codeOf({ delivery: { reason = "failed", message = "" } }: SeenDelivery): string {
  if (reason !== "refused" && reason !== "apply_failed") return reason;
  const text = message.toLowerCase();
  return REFUSALS.find(([, words]) => text.includes(words))?.[0] ?? reason;
}

interface Explanation {
  readonly what: string;
  readonly next?: (seen: SeenDelivery) => string;
}

const submitAgain = ({ stack }: SeenDelivery) =>
  `${
    request("POST", `/stacks/${stack.id}/deployment-objects`)
  } -H "Content-Type: application/yaml" --data-binary @bundle.yaml`;
const agentLog = () => "kubectl logs --all-namespaces --selector app.kubernetes.io/name=brokkr-agent --tail 100";
const approve = ({ agent, delivery: { heldRevision = 0 } }: SeenDelivery, stackId?: string) =>
  request("POST", `/agents/${agent.id}/approve-prune`, { revision: heldRevision, stack_id: stackId });

/** A reason of an agent that is newer than this program. */
const UNKNOWN: Explanation = { what: "The agent could not do it" };

const EXPLAINED: Readonly<Record<string, Explanation>> = {
  invalid_bundle: { what: "The agent can't read the bundle", next: submitAgain },
  quota: { what: "A quota of the namespace is full", next: () => "kubectl describe resourcequota --all-namespaces" },
  admission: { what: "Admission refuses it", next: submitAgain },
  namespace_missing: { what: "A namespace is not there, or may not be used", next: () => "kubectl get namespaces" },
  type_missing: { what: "The cluster has no such type", next: () => "kubectl api-resources" },
  conflict: { what: "Another manager owns it", next: submitAgain },
  rights: { what: "The agent may not do it", next: () => "kubectl get clusterroles,clusterrolebindings" },
  refused: { what: "The API server refuses it", next: submitAgain },
  apply_failed: { what: "It could not be applied", next: agentLog },
  list_failed: { what: "The agent can't see what is there", next: agentLog },
  prune_failed: { what: "What is wanted no more could not be removed", next: agentLog },
  broker_rejected: { what: "The broker refuses the agent", next: agentLog },
  kubernetes_rejected: { what: "The API server refuses the agent", next: agentLog },
  unavailable: { what: "Something that it needs did not answer", next: agentLog },
  internal: { what: "The agent failed by itself", next: agentLog },
  going: { what: "An object is still being deleted" },
  waiting: { what: "It waits for objects that are not there yet, or are still being deleted" },
  wanted_elsewhere: { what: "Another stack has an object of it" },
  epoch_hold: {
    what: "The broker's database was replaced or restored, and nothing is removed until a person accepts that",
    next: () => "brokkr-agent accept-epoch",
  },
  prune_held: {
    what: "The agent's guard holds removals until a person approves them",
    next: (seen) => approve(seen),
  },
  namespace_not_empty: {
    what: "A namespace to be removed holds what is not ours, until a person approves that",
    next: (seen) => approve(seen, seen.stack.id),
  },
  suspended: {
    what: "The stack is suspended",
    next: ({ stack }) => request("PUT", `/stacks/${stack.id}`, { name: stack.name, suspended: false }),
  },
} satisfies Readonly<Record<ReportReason | RefusalCode, Explanation>>;

/** Every code, the most basic first; an agent that is newer may have further ones. */
export const CAUSE_ORDER: readonly string[] = [
  ...["agent_inactive", "agent_never_connected", "agent_lost", "agent_late", "not_polled", "in_progress", "removing"],
  ...Object.keys(EXPLAINED),
  ...["retried", "degraded", "progressing"],
];

function retryCauses({ delivery: { nextRetryAt, attempts, observedAt } }: SeenDelivery): readonly Found[] {
  if (nextRetryAt === undefined) return [];
  const text = `It is tried again at ${nextRetryAt.toISOString()}, after ${attempts} tries`;
  return [{ code: "retried", text, since: observedAt }];
}

const UNHEALTHY: readonly HealthStatus[] = ["degraded", "progressing"];

/** Of what an agent is believed to say: the first object that is as bad as the whole. */
function healthCauses(
  { delivery }: SeenDelivery,
  { health, healthReason }: Verdict,
  objects: readonly ObjectResult[],
): readonly Found[] {
  if (delivery.state !== "applied" || !UNHEALTHY.includes(health)) return [];
  const bad = objects.find((object) => object.health === health);
  const why = bad === undefined ? healthReason : `${placeOf(bad)}${bad.health_reason ? `: ${bad.health_reason}` : ""}`;
  const text = `It was applied and is ${health}${why === undefined ? "" : `: ${firstLine(why)}`}`;
  const since = delivery.health?.at ?? delivery.observedAt;
  return [{ code: health, text, since, ...(bad === undefined ? {} : { next: describe(bad) }) }];
}

function placeOf({ kind, namespace, name }: ObjectResult): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

function describe({ group, kind, namespace, name }: ObjectResult): string {
  const type = group ? `${kind}.${group}` : kind;
  const where = namespace === undefined ? "" : ` --namespace ${quotedWord(namespace)}`;
  return `kubectl describe ${quotedWord(type)} ${quotedWord(name)}${where}`;
}

function request(method: string, path: string, body?: object): string {
  const sent = body === undefined ? "" : ` -d ${quotedWord(JSON.stringify(body))}`;
  return `curl -X ${method} "$BROKKR_URL/api/v1${path}" -H "Authorization: $BROKKR_PAK"${sent}`;
}

/** One word of a shell, whatever it holds: names come from clusters and clients. */
function quotedWord(text: string): string {
  return /^[\w./:-]+$/.test(text) && !text.startsWith("-") ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function firstLine(text: string | undefined): string | undefined {
  const [line = ""] = (text ?? "").slice(0, TEXT_MAX).split("\n", 1);
  return line === "" ? undefined : line;
}
