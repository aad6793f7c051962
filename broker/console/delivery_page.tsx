import { isSilent } from "../domain/agent.ts";
import { mayChangeStack, mayUseAgent } from "../domain/access.ts";
import { causesOf } from "../domain/causes.ts";
import type { AgentEvent } from "../domain/delivery.ts";
import type { KeptResults } from "../domain/results.ts";
import { type SeenDelivery, type Verdict, verdictOf } from "../domain/seen_delivery.ts";
import { asSeenBy } from "../http/others_stacks.ts";
import { causeList } from "./causes.tsx";
import { idOf } from "./ids.ts";
import { htmlOf } from "./layout.tsx";
import type { Visit } from "./parts.ts";
import { timeline } from "./timeline.tsx";
import { healthBadge, shownOf, verdictBadges } from "./verdicts.tsx";
import { facts, longAge, named, secondsBetween, timeAgo } from "./words.tsx";

const HISTORY = 20;
/** What fits a page; the worst come first. */
const OBJECTS_MAX = 200;

/** One delivery: why it is not converged, its objects, and how it went. */
export async function deliveryPage(visit: Visit): Promise<Response> {
  const { params, caller, store, parts: { limits, traceUrl } } = visit;
  const { deliveries, causeFacts } = store;
  const [agentId, stackId] = [idOf(params.agent_id, "delivery_not_found"), idOf(params.stack_id, "delivery_not_found")];
  if (caller.role === "agent") mayUseAgent(caller, agentId);
  const delivery = await deliveries.get(agentId, stackId);
  if (caller.role === "generator") mayChangeStack(caller, delivery.stack);
  const [submissions, kept, events] = await Promise.all([
    causeFacts.submissions(stackId),
    deliveries.findResults(agentId, stackId),
    store.events.listOfDelivery(agentId, stackId, HISTORY),
  ]);
  const found = causesOf({ seen: delivery, limits, results: kept, submissions });
  const read = { seen: delivery, causes: found, results: kept, history: events };
  const { seen, causes, results, history } = await asSeenBy(caller, read, store.stacks);
  const verdict = verdictOf(seen, limits);
  const content = (
    <>
      <h1>{named(seen.stack.name)} on {named(seen.agent.name)}</h1>
      <p class="verdict">{verdictBadges(shownOf(seen, verdict))}</p>
      {silence(seen, verdict)}
      <h2>What is in its way</h2>
      {causeList(causes, seen.now)}
      <h2>What it is</h2>
      {about(seen, visit)}
      <h2>How it went</h2>
      {timeline(seen, history)}
      {traceLink(seen.delivery.traceId, traceUrl)}
      <h2>Objects</h2>
      {objects(results, verdict)}
      <h2>What the agent reported</h2>
      {reports(history, seen.now, traceUrl)}
    </>
  );
  return htmlOf({ title: `${seen.stack.name} on ${seen.agent.name}`, visit, isLive: true, content });
}

function silence({ agent: { heartbeatAgeSeconds = 0 } }: SeenDelivery, { connectivity }: Verdict) {
  if (!isSilent(connectivity)) return "";
  return (
    <p class="notice held">
      The agent has not been heard of for{" "}
      {longAge(heartbeatAgeSeconds)}: what it said last may be wrong, and is not believed.
    </p>
  );
}

function about({ agent, stack, delivery, desired, applied, now }: SeenDelivery, { caller }: Visit) {
  return facts([
    [
      "Agent",
      caller.role === "generator" ? named(agent.name) : <a href={`/console/agents/${agent.id}`}>{named(agent.name)}</a>,
    ],
    ["Cluster", named(agent.clusterName)],
    [
      "Stack",
      caller.role === "agent" ? named(stack.name) : <a href={`/console/stacks/${stack.id}`}>{named(stack.name)}</a>,
    ],
    ["Desired", <>submission {desired.sequenceId}, {timeAgo(desired.submittedAt, now)}</>],
    ["Applied", applied === undefined ? "nothing yet" : <>submission {applied.sequenceId}</>],
    ["Attempts", delivery.attempts === 0 ? undefined : delivery.attempts],
    ["Reason", delivery.reason],
    ["Message", delivery.state === "applied" ? undefined : delivery.message && named(delivery.message)],
    ["Next try", delivery.nextRetryAt === undefined ? undefined : <time>{delivery.nextRetryAt.toISOString()}</time>],
    ["Last reported", timeAgo(delivery.observedAt, now)],
  ]);
}

function traceLink(traceId: string | undefined, traceUrl: string | undefined) {
  if (traceId === undefined) return "";
  return <p>Trace {traceUrl === undefined ? <code>{traceId}</code> : link(traceId, traceUrl)}</p>;
}

function link(traceId: string, traceUrl: string) {
  return (
    <a href={traceUrl.replaceAll("{trace_id}", traceId)} rel="noreferrer">
      <code>{traceId}</code>
    </a>
  );
}

function objects(results: KeptResults | undefined, { isStale }: Verdict) {
  if (results === undefined || results.objects.length === 0) return <p>The agent has reported none.</p>;
  const shown = results.objects.slice(0, OBJECTS_MAX);
  const more = results.objects.length - shown.length + results.omitted;
  return (
    <>
      <div class="scroll" role="region" aria-label="Objects" tabindex={0}>
        <table>
          <thead>
            <tr>{["Kind", "Namespace", "Name", "Done", "Health", "Why"].map((word) => <th scope="col">{word}</th>)}</tr>
          </thead>
          <tbody>
            {shown.map((
              { kind, namespace, name, action, health = "unknown", health_reason: reason, error, fields },
            ) => (
              <tr>
                <td>{kind}</td>
                <td>{namespace === undefined ? "–" : named(namespace)}</td>
                <th scope="row">{named(name)}</th>
                <td>{action}</td>
                <td>
                  {healthBadge(isStale ? "unknown" : health)}
                  {isStale ? <small>last known {health}</small> : ""}
                </td>
                <td>{named([reason, error, ...fields ?? []].filter((text) => text !== undefined).join("; "))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {more === 0 ? "" : <p>And {more} more, none of them worse than these.</p>}
      {(results.warnings ?? []).map((warning) => <p class="notice held">{named(warning)}</p>)}
    </>
  );
}

function reports(history: readonly AgentEvent[], now: Date, traceUrl: string | undefined) {
  if (history.length === 0) return <p>Nothing yet.</p>;
  return (
    <ol class="history">
      {history.map(({ createdAt, eventType, status, message, traceId }) => (
        <li class={status === "SUCCESS" ? "good" : "bad"}>
          <span>
            {eventType.toLowerCase()} {status === "SUCCESS" ? "succeeded" : "failed"},{" "}
            <time datetime={createdAt.toISOString()} title={createdAt.toISOString()}>
              {longAge(secondsBetween(createdAt, now))} ago
            </time>
          </span>
          {message === undefined ? "" : <span>{named(message)}</span>}
          {traceId === undefined || traceUrl === undefined ? "" : <span>trace {link(traceId, traceUrl)}</span>}
        </li>
      ))}
    </ol>
  );
}
