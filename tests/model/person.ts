import { z } from "zod";
import { type ModelWorld, rootPath } from "./model_world.ts";
import { markStack } from "./operations.ts";

/**
 * A person does what the agent waits for: accepts a database, approves what is held. Whether there was anything to do.
 */
export async function actAsPerson(world: ModelWorld): Promise<boolean> {
  const isAccepted = await acceptEpoch(world);
  const isApproved = await approve(world) || await approveLost(world);
  return await markAgain(world) || isAccepted || isApproved;
}

/**
 * To a restored broker a stack may have been removed before the agent brought what is lost now: as nothing is wanted of
 * it, nothing is done, until a person deletes it once more.
 */
async function markAgain(world: ModelWorld): Promise<boolean> {
  const recorded = new Set((await world.records.listStacks()).map(({ id }) => id));
  const removed = new Set((await world.broker.deliveries()).flatMap(({ stackId, state }) => {
    return state === "removed" ? stackId : [];
  }));
  const left = world.wanted.stacks.filter(({ id, isMarked }) => isMarked && recorded.has(id) && removed.has(id));
  for (const stack of left) await markStack(world, stack);
  return left.length > 0;
}

async function acceptEpoch({ hand, agentId, witness }: ModelWorld): Promise<boolean> {
  const path = rootPath(agentId);
  const { annotations = {} } = (await hand.get(path))?.metadata ?? {};
  const { "brokkr.io/hold": hold, "brokkr.io/accept-epoch": accepted } = annotations;
  if (hold === undefined || accepted !== undefined) return false;
  const { epoch } = z.object({ epoch: z.string() }).parse(JSON.parse(hold));
  await hand.patch(path, { metadata: { annotations: { "brokkr.io/accept-epoch": epoch } } });
  witness.accepted();
  return true;
}

async function approve({ broker, agentId }: ModelWorld): Promise<boolean> {
  const rows = await broker.deliveries();
  const held = new Set(rows.flatMap(({ reason, heldRevision }) => reason === "prune_held" ? heldRevision ?? [] : []));
  for (const revision of held) {
    const path = `/agents/${agentId}/approve-prune`;
    await broker.ask(z.unknown(), { method: "POST", path, body: { revision } });
  }
  return held.size > 0;
}

/**
 * Of stacks that a restored broker does not know there is no delivery, and what it takes for removed stays so: their
 * removal is approved where it is held.
 */
export async function approveLost({ hand, agentId, broker }: ModelWorld): Promise<boolean> {
  const path = rootPath(agentId);
  const { annotations = {} } = (await hand.get(path))?.metadata ?? {};
  const { "brokkr.io/held": text } = annotations;
  if (text === undefined) return false;
  const held = Held.parse(JSON.parse(text));
  const deliveries = await broker.deliveries();
  const known = new Set(deliveries.flatMap(({ stackId, state }) => state === "removed" ? [] : stackId));
  if (held.isApproved || held.stackIds.every((id) => known.has(id))) return false;
  await hand.patch(path, { metadata: { annotations: { "brokkr.io/approve-prune": String(held.revision) } } });
  return true;
}

const Held = z.object({ revision: z.int(), stackIds: z.array(z.string()), isApproved: z.boolean() });
