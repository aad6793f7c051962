import { z } from "zod";
import { DeploymentObject, type DriftPolicy, Stack } from "$lib/wire/stack.ts";
import type { Dice } from "./dice.ts";
import { ALL_SERVED, type ModelWorld } from "./model_world.ts";
import {
  type Candidate,
  CANDIDATES,
  collectionOf,
  NAMESPACE,
  NAMESPACES,
  pathOf,
  placeOf,
  STORED_VERSION,
} from "./candidates.ts";
import { AGENT_TIES, gainTie, loseTie, tie, tieOtherwise, TIES, untie } from "./ties.ts";
import { bundleOf, type WantedStack } from "./wanted.ts";

type Operation = (world: ModelWorld, dice: Dice) => Promise<unknown> | void;

/** As often as they stand here. */
const OPERATIONS: readonly (readonly [name: string, times: number, Operation])[] = [
  ["submit", 6, submitNew],
  ["change", 10, change],
  ["move", 8, move],
  ["rename", 2, rename],
  ["make anew under another name", 2, makeAnew],
  ["leave", 2, leave],
  ["come back", 3, comeBack],
  ["tie otherwise", 2, tieOtherwise],
  ["relabel the agent", 2, relabel],
  ["mark as deleted", 2, mark],
  ["delete", 2, remove],
  ["suspend", 2, suspend],
  ["resume", 2, resume],
  ["change the drift policy", 3, changeDrift],
  ["change the default namespace", 3, changeNamespace],
  ["edit by hand", 6, editByHand],
  ["delete by hand", 4, deleteByHand],
  ["create by hand", 4, createByHand],
  ["unserve a version", 1, unserve],
  ["remove a version", 1, removeVersion],
  ["serve all versions", 2, serveAll],
  ["restore an older database", 1, restore],
  ["nothing", 2, () => {}],
];
const ALL = OPERATIONS.flatMap(([name, times, run]) => Array.from({ length: times }, () => ({ name, run })));
const STACKS_MAX = 7;
const DRIFTS: readonly DriftPolicy[] = ["repair", "report", "off"];
const NOTHING = z.unknown();

/** Does something that changes what must be, or what is; its name is for whoever reads how it came to a failure. */
export async function operate(world: ModelWorld, dice: Dice): Promise<string> {
  const { name, run } = dice.pick(ALL) ?? { name: "nothing", run: () => {} };
  await run(world, dice);
  return name;
}

async function submitNew(world: ModelWorld, dice: Dice): Promise<void> {
  const values = newValues(world, dice);
  if (world.wanted.present.length < STACKS_MAX && values.size > 0) await addStack(world, dice, values);
}

function newValues({ wanted }: ModelWorld, dice: Dice): Map<Candidate, string> {
  const candidates = dice.shuffled(wanted.free).slice(0, 1 + dice.below(5));
  return new Map(candidates.map((candidate) => [candidate, wanted.newValue()]));
}

async function addStack(world: ModelWorld, dice: Dice, values: ReadonlyMap<Candidate, string>): Promise<void> {
  const { broker, generatorId, wanted } = world;
  const body = { name: `stack-${wanted.newNumber()}`, generator_id: generatorId };
  const { id, name } = await broker.ask(Stack, { method: "POST", path: "/stacks", body });
  const objectId = await submit(world, dice, { id, values });
  const rest = {
    tie: undefined,
    isMarked: false,
    isSuspended: false,
    drift: "repair",
    defaultNamespace: undefined,
  } as const;
  wanted.put({ id, name, objectId, values, ...rest });
  await tie(world, id, dice.pick(TIES) ?? "target");
}

async function submit(
  { broker }: ModelWorld,
  dice: Dice,
  { id, values }: Pick<WantedStack, "id" | "values">,
): Promise<string> {
  const path = `/stacks/${id}/deployment-objects`;
  const bundle = bundleOf(values, dice.isHit(0.7) ? STORED_VERSION : "v1");
  return (await broker.ask(DeploymentObject, { method: "POST", path, bundle })).id;
}

/** A new deployment object; a stack that wants nothing is marked as deleted. */
async function resubmit(
  world: ModelWorld,
  dice: Dice,
  stack: WantedStack,
  values: ReadonlyMap<Candidate, string>,
): Promise<void> {
  if (values.size === 0) return await markStack(world, stack);
  world.wanted.put({
    ...stack,
    objectId: await submit(world, dice, { id: stack.id, values }),
    values,
    isMarked: false,
  });
}

/** Some values are others, some objects go, some come. */
async function change(world: ModelWorld, dice: Dice): Promise<void> {
  const stack = dice.pick(world.wanted.present);
  if (stack === undefined) return;
  const kept = [...stack.values].filter(() => !dice.isHit(0.2));
  const changed = kept.map(([candidate, value]) =>
    [candidate, dice.isHit(0.3) ? world.wanted.newValue() : value] as const
  );
  const added = dice.isHit(0.5) ? newValues(world, dice) : [];
  await resubmit(world, dice, stack, new Map([...changed, ...added]));
}

async function move(world: ModelWorld, dice: Dice): Promise<void> {
  const [from, to] = dice.shuffled(world.wanted.present);
  if (from === undefined || to === undefined) return;
  const moved = new Map([...from.values].filter(() => dice.isHit(0.6)));
  const left = new Map([...from.values].filter(([candidate]) => !moved.has(candidate)));
  const moves = [
    () => resubmit(world, dice, from, left),
    () => resubmit(world, dice, to, new Map([...to.values, ...moved])),
  ];
  for (const one of dice.isHit(0.5) ? moves : moves.toReversed()) await one();
}

async function rename(world: ModelWorld, dice: Dice): Promise<void> {
  const stack = dice.pick(world.wanted.stacks);
  if (stack !== undefined) await update(world, stack, { name: `stack-${world.wanted.newNumber()}` });
}

/** What delivers under another name than before: the new stack may come first, or the old one go first. */
async function makeAnew(world: ModelWorld, dice: Dice): Promise<void> {
  const stack = dice.pick(world.wanted.present.filter(({ isSuspended }) => !isSuspended));
  if (stack === undefined) return;
  const moves = [() => addStack(world, dice, stack.values), () => removeStack(world, stack)];
  for (const one of dice.isHit(0.5) ? moves : moves.toReversed()) await one();
}

async function leave(world: ModelWorld, dice: Dice): Promise<void> {
  const stack = dice.pick(world.wanted.stacks.filter(({ tie }) => tie !== undefined));
  if (stack !== undefined) await untie(world, stack);
}

/** A stack that left, or was marked as deleted, wants something again. */
async function comeBack(world: ModelWorld, dice: Dice): Promise<void> {
  const { wanted } = world;
  const gone = wanted.stacks.filter((stack) => !wanted.isPresent(stack) && (!stack.tie || wanted.isTied(stack)));
  const stack = dice.pick(gone);
  const values = newValues(world, dice);
  if (stack === undefined || values.size === 0 || world.wanted.present.length >= STACKS_MAX) return;
  await resubmit(world, dice, stack, values);
  if (stack.tie === undefined) await tie(world, stack.id, dice.pick(TIES) ?? "target");
}

/**
 * The agent loses a label or an annotation, or gets it back, and with it every stack that it has by that. What others
 * want of what those stacks wanted stays theirs.
 */
async function relabel(world: ModelWorld, dice: Dice): Promise<void> {
  const { wanted } = world;
  const kind = dice.pick(AGENT_TIES) ?? "label";
  if (!wanted.lacking.has(kind)) return await loseTie(world, kind);
  const free = new Set(wanted.free);
  for (const stack of wanted.stacks.filter(({ tie, isMarked }) => tie === kind && !isMarked)) {
    const left = new Map([...stack.values].filter(([candidate]) => free.delete(candidate)));
    if (left.size < stack.values.size) await resubmit(world, dice, stack, left);
  }
  await gainTie(world, kind);
}

async function mark(world: ModelWorld, dice: Dice): Promise<void> {
  const stack = dice.pick(world.wanted.present);
  if (stack !== undefined) await markStack(world, stack);
}

/** Submits a deletion marker: nothing of the stack is wanted any more. */
export async function markStack({ broker, wanted }: ModelWorld, stack: WantedStack): Promise<void> {
  const path = `/stacks/${stack.id}/deployment-objects`;
  const body = { yaml_content: "", is_deletion_marker: true };
  const { id: objectId } = await broker.ask(DeploymentObject, { method: "POST", path, body });
  wanted.put({ ...stack, objectId, values: new Map(), isMarked: true });
}

/** One that is suspended would be so for ever: nobody can resume what is deleted. */
async function remove(world: ModelWorld, dice: Dice): Promise<void> {
  const stack = dice.pick(world.wanted.stacks.filter(({ isSuspended }) => !isSuspended));
  if (stack !== undefined) await removeStack(world, stack);
}

async function removeStack({ broker, wanted }: ModelWorld, { id }: WantedStack): Promise<void> {
  await broker.ask(NOTHING, { method: "DELETE", path: `/stacks/${id}` });
  wanted.drop(id);
}

async function suspend(world: ModelWorld, dice: Dice): Promise<void> {
  const stack = dice.pick(world.wanted.stacks);
  if (stack !== undefined) await update(world, stack, { isSuspended: true });
}

async function resume(world: ModelWorld, dice: Dice): Promise<void> {
  const stack = dice.pick(world.wanted.stacks.filter(({ isSuspended }) => isSuspended));
  if (stack !== undefined) await update(world, stack, { isSuspended: false });
}

async function changeDrift(world: ModelWorld, dice: Dice): Promise<void> {
  const stack = dice.pick(world.wanted.stacks);
  if (stack !== undefined) await update(world, stack, { drift: dice.pick(DRIFTS) ?? "repair" });
}

async function changeNamespace(world: ModelWorld, dice: Dice): Promise<void> {
  const stack = dice.pick(world.wanted.stacks);
  const defaultNamespace = dice.pick([undefined, ...NAMESPACES]);
  if (stack !== undefined) await update(world, stack, { defaultNamespace });
}

/** What may change of a stack that is none of its content. */
export type PolicyChange = Partial<Pick<WantedStack, "name" | "isSuspended" | "drift" | "defaultNamespace">>;

/** Changes what the broker has of a stack's name and policy. */
export async function update({ broker, wanted }: ModelWorld, stack: WantedStack, change: PolicyChange): Promise<void> {
  const next = { ...stack, ...change };
  const { name, drift, isSuspended: suspended, defaultNamespace: default_namespace = null } = next;
  const body = { name, drift, suspended, default_namespace };
  await broker.ask(Stack, { method: "PUT", path: `/stacks/${stack.id}`, body });
  wanted.put(next);
}

async function editByHand({ hand, wanted, witness }: ModelWorld, dice: Dice): Promise<void> {
  const place = dice.pick([...wanted.places().keys()]);
  const candidate = CANDIDATES.find(({ kind, name }) => place?.startsWith(`${kind}/`) && place.endsWith(`/${name}`));
  const patch = candidate?.patch(`by-hand-${wanted.newNumber()}`);
  if (place === undefined || patch === undefined || await hand.get(pathOf(place)) === undefined) return;
  await hand.patch(`${pathOf(place)}?fieldManager=kubectl-edit`, patch);
  witness.touched(place);
}

async function deleteByHand({ hand, witness }: ModelWorld, dice: Dice): Promise<void> {
  const candidate = dice.pick(CANDIDATES);
  if (candidate === undefined) return;
  const place = placeOf(candidate, NAMESPACE);
  witness.handled(place);
  await hand.remove(pathOf(place));
}

/** What a stack may want later is there before that. */
async function createByHand({ hand, wanted, witness }: ModelWorld, dice: Dice): Promise<void> {
  const candidate = dice.pick(wanted.free.filter(({ isReplaced }) => !isReplaced));
  if (candidate === undefined) return;
  const place = placeOf(candidate, NAMESPACE);
  if (await hand.get(pathOf(place)) !== undefined) return;
  const manifest = candidate.manifest("found");
  const object = { ...manifest, metadata: { ...manifest.metadata, namespace: NAMESPACE } };
  await hand.create(`${collectionOf(candidate, NAMESPACE)}?fieldManager=kubectl-create`, object);
  witness.madeByHand((await hand.get(pathOf(place)))?.metadata.uid);
  witness.handled(place);
}

async function unserve(world: ModelWorld): Promise<void> {
  await world.serve([{ name: "v1", served: false }, { name: STORED_VERSION, served: true }]);
}

async function removeVersion(world: ModelWorld): Promise<void> {
  await world.serve([{ name: STORED_VERSION, served: true }]);
}

/** Brings back every version of the own type. */
export async function serveAll(world: ModelWorld): Promise<void> {
  await world.serve(ALL_SERVED);
}

async function restore(world: ModelWorld): Promise<void> {
  await world.restore();
}
