import { Failure, isFailure } from "$lib/error.ts";
import { AgentGeneratorRegistration, AgentTarget } from "$lib/wire/agent.ts";
import { Stack, StackLabel } from "$lib/wire/stack.ts";
import type { BrokerApi } from "./api.ts";
import { usage } from "./command_line.ts";
import { findAgent, type Named } from "./names.ts";

/** Whom a stack is for. */
export interface Targets {
  readonly agents: readonly string[];
  readonly labels: readonly string[];
}

/**
 * Targets as they are written, `agent=A` and `label=L`.
 *
 * @throws {Failure} `invalid_settings` for what is neither; `command` is who was told so.
 */
export function targetsOf(given: readonly string[], command: string): Targets {
  const pairs = given.map((text) => /^(agent|label)=([^]+)$/.exec(text));
  const wrong = given.filter((_, at) => pairs[at] === null);
  if (wrong.length > 0) throw usage(command, wrong.map((text) => `a target is agent=A or label=L, not "${text}"`));
  const valuesOf = (kind: string) => pairs.flatMap((pair) => pair?.[1] === kind ? [pair[2] ?? ""] : []);
  return { agents: valuesOf("agent"), labels: valuesOf("label") };
}

/**
 * Lets a stack be for more; what it was for stays. `register` lets the agents receive from its generator. The agents.
 *
 * @throws {Failure} `broker_rejected` where an agent does not receive from the stack's generator.
 */
export async function addTargets(
  stack: Named,
  { agents: names, labels, register }: Targets & { readonly register: boolean },
  api: BrokerApi,
): Promise<readonly Named[]> {
  const agents = await Promise.all(names.map((name) => findAgent(api, name)));
  for (const agent of agents) {
    if (register) await registerWithOwner(agent, stack, api);
    await target(agent, stack, api);
  }
  for (const label of labels) {
    await unlessThere(api.send(`stacks/${stack.id}/labels`, StackLabel, { method: "POST", json: label }));
  }
  return agents;
}

async function registerWithOwner({ id }: Named, stack: Named, api: BrokerApi): Promise<void> {
  const { value: { generator_id: generatorId } } = await api.get(`stacks/${stack.id}`, Stack);
  const sent = { method: "POST", json: { agent_id: id } } as const;
  await unlessThere(api.send(`generators/${generatorId}/register`, AgentGeneratorRegistration, sent));
}

async function target({ id, name }: Named, stack: Named, api: BrokerApi): Promise<void> {
  const sent = { method: "POST", json: { agent_id: id, stack_id: stack.id } } as const;
  await unlessThere(api.send(`agents/${id}/targets`, AgentTarget, sent)).catch((error) => {
    if (!isFailure(error) || error.details?.code !== "agent_not_registered") throw error;
    const how = "--register lets it, with the admin's key; so does its own setting agent.generator_ids";
    const what = `agent "${name}" does not receive from the generator of stack "${stack.name}"`;
    throw new Failure("broker_rejected", `Cannot target: ${what}: ${how}`);
  });
}

/** With the system generator every agent is registered, always. */
const THERE: ReadonlySet<unknown> = new Set([
  ...["unique_violation", "already_registered", "system_generator_not_a_tenant"],
]);

/** Whether it was made; false where it was there already. */
export async function unlessThere(request: Promise<unknown>): Promise<boolean> {
  try {
    await request;
    return true;
  } catch (error) {
    if (!isFailure(error, "broker_rejected") || !THERE.has(error.details?.code)) throw error;
    return false;
  }
}
