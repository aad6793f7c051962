import { z } from "zod";
import { AgentGeneratorRegistration, AgentRegistrationBody } from "$lib/wire/agent.ts";
import { mayUseAgent, registeringAgent } from "../domain/access.ts";
import type { Registration } from "../domain/targeting.ts";
import { endpoint } from "./endpoint.ts";
import { mapPage } from "./reply.ts";
import { traceOf } from "./request_span.ts";
import { IdPath, Nothing, PageQuery } from "./shapes.ts";

const PATH = "/api/v1/generators/{id}/register";

const register = endpoint({
  method: "post",
  path: PATH,
  roles: ["admin", "agent"],
  summary: "Register an agent with a generator; an agent may leave its own id out",
  params: IdPath,
  body: { shape: AgentRegistrationBody.prefault({}) },
  answers: { 201: AgentGeneratorRegistration },
  handle: async ({ params: { id }, body, caller }, { generators, registrations }) => {
    const agentId = registeringAgent(caller, await generators.get(id), body.agent_id ?? undefined);
    return registrationBody(await registrations.add(agentId, id));
  },
});

const deregister = endpoint({
  method: "delete",
  path: PATH,
  roles: ["admin", "agent"],
  summary: "End an agent's registration with a generator, and its targets of that generator's stacks",
  params: IdPath,
  body: { shape: AgentRegistrationBody.prefault({}) },
  answers: { 204: Nothing },
  handle: async ({ params: { id }, body, caller, ...asked }, { generators, registrations }) => {
    const agentId = registeringAgent(caller, await generators.getEver(id), body.agent_id ?? undefined);
    return await registrations.remove(agentId, id, traceOf(asked));
  },
});

const list = endpoint({
  method: "get",
  path: "/api/v1/agents/{id}/registrations",
  roles: ["admin", "agent"],
  summary: "The registrations of an agent",
  params: IdPath,
  query: PageQuery,
  answers: { 200: z.array(AgentGeneratorRegistration) },
  handle: async ({ params: { id }, query, caller }, { agents, registrations }) => {
    mayUseAgent(caller, id);
    await agents.get(id);
    return mapPage(await registrations.listByAgent(id, query), registrationBody);
  },
});

/** Consents of agents to receive from generators. */
export const REGISTRATIONS = [register, deregister, list] as const;

/** A registration as the API shows it. */
export function registrationBody(registration: Registration): z.input<typeof AgentGeneratorRegistration> {
  return {
    id: registration.id,
    agent_id: registration.agentId,
    generator_id: registration.generatorId,
    registered_at: registration.registeredAt.toISOString(),
  };
}
