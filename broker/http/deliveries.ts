import { z } from "zod";
import { Uuid } from "$lib/wire/common.ts";
import { Connectivity, Delivery, DeliveryDetails, DeliveryState } from "$lib/wire/delivery.ts";
import { HealthStatus } from "$lib/wire/event.ts";
import { mayChangeStack, mayUseAgent, mayUseGenerator } from "../domain/access.ts";
import type { ConnectivityLimits } from "../domain/agent.ts";
import type { Caller } from "../domain/caller.ts";
import type { DeliveryFilter } from "../domain/seen_delivery.ts";
import type { Page, Store } from "../store/mod.ts";
import { eventBody } from "./agent_events.ts";
import { deliveryBody, detailsBody } from "./delivery_body.ts";
import { endpoint } from "./endpoint.ts";
import { asSeenBy } from "./others_stacks.ts";
import { mapPage } from "./reply.ts";
import { IdPath, PageQuery } from "./shapes.ts";

const PATH = "/api/v1/deliveries";
const ROLES = ["admin", "agent", "generator"] as const;
/** Events in the history of one delivery. */
const HISTORY = 20;
/** A hundred years: longer than anything was desired. */
const OLDEST_SECONDS = 3_155_760_000;

/** Which deliveries of those that the path names. */
const ConditionQuery = PageQuery.extend({
  state: DeliveryState.optional(),
  health: HealthStatus.optional(),
  connectivity: Connectivity.optional(),
  stale: z.stringbool().optional(),
  older_than_seconds: z.coerce.number().pipe(z.int().min(0).max(OLDEST_SECONDS)).optional(),
});
type ConditionQuery = z.output<typeof ConditionQuery>;

const list = endpoint({
  method: "get",
  path: PATH,
  roles: ROLES,
  summary: "Deliveries, the troubled ones first, then by when their object was desired; a key sees its own",
  query: ConditionQuery.extend({
    agent_id: Uuid.optional(),
    stack_id: Uuid.optional(),
    generator_id: Uuid.optional(),
  }),
  answers: { 200: z.array(Delivery) },
  handle: async ({ query, caller, limits }, { deliveries, stacks }) => {
    const { agent_id: agentId, stack_id: stackId, generator_id: generatorId } = query;
    return await pageOf({ deliveries, stacks }, ownOf(caller, { agentId, stackId, generatorId }), {
      query,
      caller,
      limits,
    });
  },
});

const listOfAgent = endpoint({
  method: "get",
  path: "/api/v1/agents/{id}/deliveries",
  roles: ROLES,
  summary: "The deliveries to an agent, as in the list of all; a generator sees those of its stacks",
  params: IdPath,
  query: ConditionQuery,
  answers: { 200: z.array(Delivery) },
  handle: async ({ params: { id: agentId }, query, caller, limits }, { agents, deliveries, stacks }) => {
    const asked = ownOf(caller, { agentId });
    await agents.get(agentId);
    return await pageOf({ deliveries, stacks }, asked, { query, caller, limits });
  },
});

const listOfStack = endpoint({
  method: "get",
  path: "/api/v1/stacks/{id}/deliveries",
  roles: ROLES,
  summary: "The deliveries of a stack, as in the list of all; an agent sees its own",
  params: IdPath,
  query: ConditionQuery,
  answers: { 200: z.array(Delivery) },
  handle: async ({ params: { id: stackId }, query, caller, limits }, { stacks, deliveries }) => {
    if (caller.role !== "agent") mayChangeStack(caller, await stacks.get(stackId));
    return await pageOf({ deliveries, stacks }, ownOf(caller, { stackId }), { query, caller, limits });
  },
});

const get = endpoint({
  method: "get",
  path: `${PATH}/{agent_id}/{stack_id}`,
  roles: ROLES,
  summary: "One delivery with its objects, its history, and why it is not converged",
  params: z.object({ agent_id: Uuid, stack_id: Uuid }),
  answers: { 200: DeliveryDetails },
  handle: async ({ params, caller, limits }, { deliveries, events, stacks, causeFacts }) => {
    const { agent_id: agentId, stack_id: stackId } = params;
    if (caller.role === "agent") mayUseAgent(caller, agentId);
    const seen = await deliveries.get(agentId, stackId);
    if (caller.role === "generator") mayChangeStack(caller, seen.stack);
    const [results, history, submissions] = await Promise.all([
      deliveries.findResults(agentId, stackId),
      events.listOfDelivery(agentId, stackId, HISTORY),
      causeFacts.submissions(stackId),
    ]);
    const body = detailsBody(seen, { results, history: history.map(eventBody), submissions }, limits);
    return await asSeenBy(caller, body, stacks);
  },
});

/** What is on its way, to whom, and how well it works. */
export const DELIVERIES = [list, listOfAgent, listOfStack, get] as const;

type Asked = Pick<DeliveryFilter, "agentId" | "stackId" | "generatorId">;

interface Asking {
  readonly query: ConditionQuery;
  readonly caller: Caller;
  readonly limits: ConnectivityLimits;
}

/** A page of the deliveries that are asked for and fulfil the query's conditions. */
async function pageOf(
  { deliveries, stacks }: Pick<Store, "deliveries" | "stacks">,
  asked: Asked,
  { query, caller, limits }: Asking,
): Promise<Page<z.input<typeof Delivery>>> {
  const { state, health, connectivity, stale: isStale, older_than_seconds: olderThanSeconds } = query;
  const filter = { state, health, connectivity, isStale, olderThanSeconds, ...asked };
  const page = mapPage(await deliveries.list(filter, limits, query), (seen) => deliveryBody(seen, limits));
  return await asSeenBy(caller, page, stacks);
}

/** @throws {Failure} `agent_pak_mismatch`, `generator_not_owned` for another's. */
function ownOf(caller: Caller, asked: Asked): Asked {
  if (caller.role === "agent") {
    if (asked.agentId !== undefined) mayUseAgent(caller, asked.agentId);
    return { ...asked, agentId: caller.id };
  }
  if (caller.role === "generator") {
    if (asked.generatorId !== undefined) mayUseGenerator(caller, asked.generatorId);
    return { ...asked, generatorId: caller.id };
  }
  return asked;
}
