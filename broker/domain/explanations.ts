import type { ReportReason } from "$lib/wire/event.ts";
import { approve, describe, resume, submit, word } from "./next_commands.ts";
import type { RefusalCode } from "./refusals.ts";
import type { SeenDelivery } from "./seen_delivery.ts";

/** Why an agent could not do what it was to do, in words for whoever never saw the like, and what ends it. */
export interface Explanation {
  readonly what: string;
  /** Left out where waiting is all. `why` is what the agent said. */
  readonly next?: (seen: SeenDelivery, why: string) => string | undefined;
  /** Whether what the agent said says no more than that. */
  readonly isAll?: true;
}

const submitAgain = ({ stack }: SeenDelivery) => submit(stack);
const agentLog = () => "kubectl logs --all-namespaces --selector app.kubernetes.io/name=brokkr-agent --tail 100";
/** A reason of an agent that is newer than this program. */
export const UNKNOWN: Explanation = { what: "The agent could not do it" };

/** By the code, the most basic first. */
export const EXPLAINED: Readonly<Record<string, Explanation>> = {
  invalid_bundle: { what: "The agent can't read the bundle", next: submitAgain },
  broker_rejected: { what: "The broker refuses the agent", next: agentLog },
  kubernetes_rejected: { what: "The API server refuses the agent", next: agentLog },
  unavailable: { what: "Something that it needs did not answer", next: () => "kubectl get --raw '/readyz?verbose'" },
  type_missing: { what: "The cluster has no such type", next: submitAgain },
  namespace_missing: { what: "A namespace is not there", next: (_, why) => createNamespace(why) },
  going: { what: "An object is still being deleted", next: (_, why) => describeNamed(why) },
  waiting: {
    what: "It waits for objects that are not there yet, or are still being deleted",
    next: (_, why) => describeGoing(why),
  },
  prune_held: {
    what: "The agent's guard holds removals until a person approves them",
    next: ({ agent, delivery: { heldRevision } }) =>
      heldRevision === undefined ? undefined : approve(agent.id, heldRevision),
  },
  namespace_not_empty: {
    what: "What is to be removed holds what is not ours, or may where nobody can look, until a person approves that",
    next: ({ agent, delivery: { heldRevision }, stack }) =>
      heldRevision === undefined ? undefined : approve(agent.id, heldRevision, stack),
  },
  epoch_hold: {
    what: "The broker's database was replaced or restored, and nothing is removed until a person accepts that",
    next: () => "brokkr-agent accept-epoch",
    isAll: true,
  },
  suspended: {
    what: "The stack is suspended: nothing is written for it, and nothing removed",
    next: ({ stack, delivery }) => resume(stack, { isDeleted: delivery.state === "terminating" }),
    isAll: true,
  },
  wanted_elsewhere: { what: "Another stack has an object of it", next: submitAgain },
  conflict: { what: "Another manager owns a field of it", next: submitAgain },
  other_tool: { what: "Another tool has an object of it", next: submitAgain },
  quota: { what: "A quota of the namespace is full", next: (_, why) => editQuota(why) },
  admission: { what: "The cluster's rules refuse it", next: submitAgain },
  webhook_away: {
    what: "A webhook that the API server asks does not answer",
    next: () => "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
  },
  rights: { what: "The agent has no right to do it", next: () => "kubectl get clusterroles,clusterrolebindings" },
  immutable: { what: "A field was changed that can't be changed", next: submitAgain },
  refused: { what: "The API server refuses it", next: submitAgain },
  apply_failed: { what: "It could not be applied", next: agentLog },
  list_failed: { what: "The agent can't see what is there", next: agentLog },
  prune_failed: { what: "What is wanted no more could not be removed", next: agentLog },
  internal: { what: "The agent failed by itself", next: agentLog },
} satisfies Readonly<Record<ReportReason | RefusalCode, Explanation>>;

function createNamespace(why: string): string {
  const [, name] = /namespaces "([^"]{1,63})" not found/.exec(why) ?? [];
  return name === undefined ? "kubectl get namespaces" : `kubectl create namespace ${word(name)}`;
}

/** Makes room in the quota that the API server names; an agent names the namespace beside the object. */
export function editQuota(why: string, namespace = /in namespace "([^"]{1,63})"/.exec(why)?.[1]): string {
  const [, quota] = /exceeded quota: ([^,\s]{1,253}),/.exec(why) ?? [];
  if (namespace === undefined || quota === undefined) return "kubectl get resourcequotas --all-namespaces";
  return `kubectl edit resourcequota ${word(quota)} --namespace ${word(namespace)}`;
}

/** A finalizer may keep for ever what is being deleted: the thing itself, or the Namespace that it is to be in. */
function describeGoing(why: string): string | undefined {
  const [, namespace] = /in namespace "([^"]{1,63})" is applied later:/.exec(why) ?? [];
  if (namespace !== undefined) return describe({ kind: "Namespace", name: namespace });
  return / is being deleted;/.test(why) ? describeNamed(why) : undefined;
}

/** An agent names an object as in `ConfigMap "a" in namespace "shop"`. */
function describeNamed(why: string): string {
  const [, kind, name, namespace] = /^(\w{1,63}) "([^"]{1,253})"(?: in namespace "([^"]{1,63})")?/.exec(why) ?? [];
  if (kind === undefined || name === undefined) return "kubectl get namespaces";
  return describe({ kind, name, ...(namespace === undefined ? {} : { namespace }) });
}
