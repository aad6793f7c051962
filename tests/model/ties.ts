import { z } from "zod";
import type { Dice } from "./dice.ts";
import { ANNOTATION, LABEL, type ModelWorld } from "./model_world.ts";
import type { Tie, WantedStack } from "./wanted.ts";

/** Everything that a stack may be tied to the agent by. */
export const TIES: readonly Tie[] = ["target", "label", "annotation"];
/** Of these, what the agent may lack. */
export const AGENT_TIES = ["label", "annotation"] as const;
const NOTHING = z.unknown();

/** For a moment it has two ties, or none. */
export async function tieOtherwise(world: ModelWorld, dice: Dice): Promise<void> {
  const stack = dice.pick(world.wanted.stacks.filter((stack) => world.wanted.isTied(stack)));
  const next = dice.pick(TIES.filter((one) => one !== stack?.tie));
  if (stack === undefined || next === undefined) return;
  if (dice.isHit(0.3)) await untie(world, stack);
  await tie(world, stack.id, next);
  if (world.wanted.find(stack.id)?.tie === stack.tie) return;
  await cutTie(world, stack).catch(() => {}); // it may be cut already
}

/** Ties a stack to the agent; it has no tie, or for a moment another one, too. */
export async function tie({ broker, wanted, agentId }: ModelWorld, id: string, tie: Tie): Promise<void> {
  const post = (path: string, body: unknown) => broker.ask(NOTHING, { method: "POST", path, body });
  if (tie === "target") await post(`/agents/${agentId}/targets`, { agent_id: agentId, stack_id: id });
  if (tie === "label") await post(`/stacks/${id}/labels`, LABEL);
  if (tie === "annotation") await post(`/stacks/${id}/annotations`, { stack_id: id, ...ANNOTATION });
  const stack = wanted.find(id);
  if (stack !== undefined) wanted.put({ ...stack, tie });
}

/** The agent has nothing to do with a stack any more. */
export async function untie(world: ModelWorld, stack: WantedStack): Promise<void> {
  await cutTie(world, stack);
  world.wanted.put({ ...stack, tie: undefined });
}

async function cutTie({ broker, agentId }: ModelWorld, { id, tie }: WantedStack): Promise<void> {
  const cut = (path: string) => broker.ask(NOTHING, { method: "DELETE", path });
  if (tie === "target") await cut(`/agents/${agentId}/targets/${id}`);
  if (tie === "label") await cut(`/stacks/${id}/labels/${LABEL}`);
  if (tie === "annotation") await cut(`/stacks/${id}/annotations/${ANNOTATION.key}`);
}

/** The agent's label or annotation goes, and with it every stack that it has by that. */
export async function loseTie({ broker, wanted, agentId }: ModelWorld, kind: AgentTie): Promise<void> {
  const path = kind === "label" ? `labels/${LABEL}` : `annotations/${ANNOTATION.key}`;
  await broker.ask(NOTHING, { method: "DELETE", path: `/agents/${agentId}/${path}` });
  wanted.lack(wanted.lacking.union(new Set([kind])));
}

/** The agent's label or annotation comes back, and with it every stack that has the same. */
export async function gainTie({ broker, wanted, agentId }: ModelWorld, kind: AgentTie): Promise<void> {
  const [path, body] = kind === "label" ? ["labels", { label: LABEL }] as const : ["annotations", ANNOTATION] as const;
  await broker.ask(NOTHING, {
    method: "POST",
    path: `/agents/${agentId}/${path}`,
    body: { agent_id: agentId, ...body },
  });
  wanted.lack(wanted.lacking.difference(new Set([kind])));
}

type AgentTie = typeof AGENT_TIES[number];
