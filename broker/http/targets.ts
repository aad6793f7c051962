import { z } from "zod";
import { AgentTarget, NewAgentTarget } from "$lib/wire/agent.ts";
import { Uuid } from "$lib/wire/common.ts";
import { mayTarget, mayUseAgent } from "../domain/access.ts";
import type { Target } from "../domain/targeting.ts";
import { mustName } from "./tags.ts";
import { endpoint } from "./endpoint.ts";
import { mapPage } from "./reply.ts";
import { traceOf } from "./request_span.ts";
import { IdPath, Nothing, PageQuery } from "./shapes.ts";

const PATH = "/api/v1/agents/{id}/targets";

const list = endpoint({
  method: "get",
  path: PATH,
  roles: ["admin", "agent"],
  summary: "The explicit targets of an agent",
  params: IdPath,
  query: PageQuery,
  answers: { 200: z.array(AgentTarget) },
  handle: async ({ params: { id }, query, caller }, { agents, targets }) => {
    mayUseAgent(caller, id);
    await agents.get(id);
    return mapPage(await targets.list(id, query), targetBody);
  },
});

const add = endpoint({
  method: "post",
  path: PATH,
  roles: ["admin", "generator"],
  refusal: "target_create_denied",
  summary: "Link an agent to a stack",
  params: IdPath,
  body: { shape: NewAgentTarget },
  answers: { 201: AgentTarget },
  handle: async ({ params: { id }, body: { agent_id, stack_id }, caller }, { stacks, targets }) => {
    mustName("agent", id, agent_id);
    mayTarget(caller, await stacks.get(stack_id));
    return targetBody(await targets.add(id, stack_id));
  },
});

const remove = endpoint({
  method: "delete",
  path: `${PATH}/{stack_id}`,
  roles: ["admin", "generator"],
  summary: "End the link of an agent to a stack",
  params: z.object({ id: Uuid, stack_id: Uuid }),
  answers: { 204: Nothing },
  handle: async ({ params: { id, stack_id }, caller, ...asked }, { stacks, targets }) => {
    mayTarget(caller, await stacks.get(stack_id));
    return await targets.remove(id, stack_id, traceOf(asked));
  },
});

/** Explicit links agent → stack. */
export const TARGETS = [list, add, remove] as const;

function targetBody({ id, agentId, stackId }: Target): z.input<typeof AgentTarget> {
  return { id, agent_id: agentId, stack_id: stackId };
}
