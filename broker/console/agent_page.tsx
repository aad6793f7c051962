import type { Context } from "hono";
import { Failure, quoted } from "$lib/error.ts";
import { mayCall, mayUseAgent } from "../domain/access.ts";
import { type Agent, connectivityOf } from "../domain/agent.ts";
import { isApproved, isHeld } from "../domain/delivery.ts";
import type { SeenDelivery } from "../domain/seen_delivery.ts";
import { deliveryTable } from "./delivery_table.tsx";
import { idOf } from "./ids.ts";
import { form, htmlOf } from "./layout.tsx";
import type { Visit } from "./parts.ts";
import { connectivityBadge } from "./verdicts.tsx";
import { facts, longAge, named } from "./words.tsx";

const DELIVERIES = 100;
/** More removals than one agent's guard holds at once, in any fleet that was heard of. */
const HELD_MAX = 1_000;
const ADMIN_ONLY = ["admin"] as const;

/** One agent: what it says of itself, what its guard holds, and its deliveries. */
export async function agentPage(visit: Visit): Promise<Response> {
  const { params, url, caller, store: { agents, agentTags, deliveries }, parts: { limits } } = visit;
  const id = idOf(params.id, "agent_not_found");
  mayUseAgent(caller, id);
  const agent = await agents.get(id);
  const [labels, annotations, list, terminating] = await Promise.all([
    agentTags.listLabels(id, { limit: DELIVERIES }),
    agentTags.listAnnotations(id, { limit: DELIVERIES }),
    deliveries.list({ agentId: id }, limits, { limit: DELIVERIES }),
    deliveries.list({ agentId: id, state: "terminating" }, limits, { limit: HELD_MAX }),
  ]);
  const held = terminating.items.filter(({ delivery }) => delivery.heldRevision !== undefined);
  const content = (
    <>
      <h1>{named(agent.name)}</h1>
      {about(agent, visit)}
      {facts([
        ["Labels", listed(labels.items.map(({ label }) => label))],
        ["Annotations", listed(annotations.items.map(({ key, value }) => `${key}=${value}`))],
      ])}
      {approved(url.searchParams.get("approved"))}
      {held.length === 0 ? "" : <h2 id="held">Held removals</h2>}
      {heldRemovals(held, visit)}
      <h2>Deliveries</h2>
      {deliveryTable(list.items, "stack", visit)}
      {list.next === undefined ? "" : <p>The first {DELIVERIES}, those in trouble first.</p>}
    </>
  );
  return htmlOf({ title: agent.name, visit, isLive: true, content });
}

/** Allows what the guard holds, or one stack's removal. */
export async function approve(visit: Visit, context: Context): Promise<Response> {
  const { params, form, caller, store: { agents } } = visit;
  mayCall(caller, ADMIN_ONLY);
  const id = idOf(params.id, "agent_not_found");
  const revision = form.get("revision") ?? "";
  if (!/^\d{1,15}$/.test(revision)) {
    throw new Failure("invalid_parameters", `Cannot approve: ${quoted(revision)} is not a revision`);
  }
  const stackId = form.get("stack_id");
  const held = {
    revision: Number(revision),
    ...(stackId === null ? {} : { stackId: idOf(stackId, "stack_not_found") }),
  };
  await agents.approvePrune(id, held);
  return context.redirect(`/console/agents/${id}?approved=${revision}`, 303);
}

function about(agent: Agent, { parts: { limits } }: Visit) {
  const { clusterName, status, heartbeatAgeSeconds: age, k8sReachable, k8sApiLatencyMs, k8sVersion } = agent;
  const heard = age === undefined ? "never" : `${longAge(age)} ago`;
  const reachable = k8sReachable === undefined ? undefined : k8sReachable ? "answers" : "does not answer";
  const latency = k8sApiLatencyMs === undefined ? "" : `, in ${k8sApiLatencyMs} ms`;
  return facts([
    ["Cluster", named(clusterName)],
    ["Connectivity", <>{connectivityBadge(connectivityOf(age, limits))} last heard of {heard}</>],
    ["Status", status === "ACTIVE" ? undefined : "inactive: it writes nothing to its cluster"],
    ["Its API server", reachable === undefined ? undefined : `${reachable}${latency}`],
    ["Kubernetes", k8sVersion === undefined ? undefined : named(k8sVersion)],
    ["Agent", agent.agentVersion === undefined ? undefined : named(agent.agentVersion)],
    ["Id", <code>{agent.id}</code>],
  ]);
}

function listed(texts: readonly string[]) {
  if (texts.length === 0) return undefined;
  return <>{texts.map((text) => <code class="tag">{named(text)}</code>)}</>;
}

function approved(revision: string | null) {
  if (revision === null || !/^\d{1,15}$/.test(revision)) return "";
  return (
    <p class="notice good" role="status">
      Approved at revision {revision}: the agent removes it when it next asks.
    </p>
  );
}

/** What the guard holds goes together, at its revision; what fills a stack's namespace goes stack by stack. */
function heldRemovals(held: readonly SeenDelivery[], visit: Visit) {
  const byRevision = Map.groupBy(
    held.filter(({ delivery }) => isHeld(delivery)),
    ({ delivery }) => delivery.heldRevision,
  );
  const others = held.filter(({ delivery }) => !isHeld(delivery));
  return (
    <>
      {[...byRevision].map(([revision, together]) => approval(visit, { revision, held: together }))}
      {others.map((one) =>
        approval(visit, { revision: one.delivery.heldRevision, held: [one], stackId: one.stack.id })
      )}
    </>
  );
}

interface Approval {
  readonly revision: number | undefined;
  readonly held: readonly SeenDelivery[];
  readonly stackId?: string;
}

function approval(visit: Visit, { revision, held, stackId }: Approval) {
  const isDone = held.every(({ delivery }) => isApproved(delivery));
  return (
    <article>
      <p>At revision {revision} the agent would remove, and waits for a person’s word:</p>
      <ul>
        {held.map(({ stack, delivery: { message } }) => (
          <li>{named(stack.name)}{message === undefined ? "" : <>: {named(message)}</>}</li>
        ))}
      </ul>
      {isDone
        ? <p>Approved.</p>
        : visit.caller.role === "admin"
        ? approvalForm(visit, { revision, stackId })
        : <p>The admin can approve it.</p>}
    </article>
  );
}

function approvalForm(visit: Visit, { revision, stackId }: Omit<Approval, "held">) {
  return form(visit, {
    action: `/console/agents/${visit.params.id}/approve`,
    content: (
      <>
        <input type="hidden" name="revision" value={`${revision}`} />
        {stackId === undefined ? "" : <input type="hidden" name="stack_id" value={stackId} />}
        <label>
          <input type="checkbox" required /> I have read what will be removed
        </label>
        <button type="submit">Approve</button>
      </>
    ),
  });
}
