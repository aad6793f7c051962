import type { SimulatedCluster } from "../fakes/cluster/mod.ts";
import type { Dice } from "./dice.ts";
import { type Slot, SLOTS } from "./slots.ts";
import type { Wanted, WantedStack } from "./wanted.ts";

/** What operations change. */
export interface OperationParts {
  readonly cluster: SimulatedCluster;
  readonly wanted: Wanted;
  readonly dice: Dice;
}

type Operation = (parts: OperationParts) => Promise<void> | void;

/** As often as they stand here. */
const OPERATIONS: readonly (readonly [name: string, times: number, Operation])[] = [
  ["submit", 3, submitNew],
  ["change", 5, change],
  ["move", 4, move],
  ["rename", 1, rename],
  ["leave", 1, leave],
  ["return", 1, comeBack],
  ["suspend", 1, suspend],
  ["resume", 1, resume],
  ["edit by hand", 3, editByHand],
  ["delete by hand", 2, deleteByHand],
  ["create by hand", 2, createByHand],
  ["nothing", 1, () => {}],
];
const ALL = OPERATIONS.flatMap(([name, times, run]) => Array.from({ length: times }, () => ({ name, run })));
const STACKS_MAX = 6;

/** Does something that changes what must be, or what is; its name is for whoever reads how it came to a failure. */
export async function operate(parts: OperationParts): Promise<string> {
  const { name, run } = parts.dice.pick(ALL) ?? { name: "nothing", run: () => {} };
  await run(parts);
  return name;
}

function submitNew({ wanted, dice }: OperationParts): void {
  if (wanted.stacks.length >= STACKS_MAX) return;
  wanted.submit(undefined, newValues(wanted, dice));
}

function newValues(wanted: Wanted, dice: Dice): Map<Slot, string> {
  const slots = dice.shuffled(wanted.free).slice(0, 1 + dice.below(4));
  return new Map(slots.map((slot) => [slot, wanted.newValue()]));
}

/** Some values are others, some objects go, some come. */
function change({ wanted, dice }: OperationParts): void {
  const stack = dice.pick(wanted.stacks);
  if (stack === undefined) return;
  const kept = [...stack.values].filter(() => !dice.isHit(0.2));
  const changed = kept.map(([slot, value]) => [slot, dice.isHit(0.3) ? wanted.newValue() : value] as const);
  const added = dice.isHit(0.5) ? newValues(wanted, dice) : [];
  wanted.submit(stack.id, new Map([...changed, ...added]));
}

function move({ wanted, dice }: OperationParts): void {
  const [from, to] = dice.shuffled(wanted.stacks);
  if (from === undefined || to === undefined) return;
  const moved = new Map([...from.values].filter(() => dice.isHit(0.6)));
  const left = new Map([...from.values].filter(([slot]) => !moved.has(slot)));
  const submits = [() => wanted.submit(from.id, left), () => submitMoved(wanted, to, moved)];
  (dice.isHit(0.5) ? submits : submits.toReversed()).forEach((submit) => submit());
}

function submitMoved(wanted: Wanted, to: WantedStack, moved: ReadonlyMap<Slot, string>): void {
  wanted.submit(to.id, new Map([...to.values, ...moved]));
}

function rename({ wanted, dice }: OperationParts): void {
  const stack = dice.pick(wanted.stacks);
  if (stack === undefined) return;
  wanted.leave(stack.id);
  wanted.submit(undefined, stack.values);
}

function leave({ wanted, dice }: OperationParts): void {
  const stack = dice.pick(wanted.stacks);
  if (stack !== undefined) wanted.leave(stack.id);
}

/** A stack that was retargeted is retargeted back. */
function comeBack({ wanted, dice }: OperationParts): void {
  const id = dice.pick(wanted.left);
  if (id !== undefined && wanted.stacks.length < STACKS_MAX) wanted.submit(id, newValues(wanted, dice));
}

function suspend({ wanted, dice }: OperationParts): void {
  const stack = dice.pick(wanted.stacks);
  if (stack !== undefined) wanted.suspend(stack.id, true);
}

function resume({ wanted, dice }: OperationParts): void {
  const stack = dice.pick(wanted.stacks.filter(({ isSuspended }) => isSuspended));
  if (stack !== undefined) wanted.suspend(stack.id, false);
}

async function editByHand({ cluster, wanted, dice }: OperationParts): Promise<void> {
  const slot = dice.pick(SLOTS.filter((slot) => wanted.valueOf(slot) !== undefined));
  const patch = slot?.patch(`by-hand-${dice.below(1_000)}`);
  if (slot === undefined || patch === undefined || await cluster.read(slot.path) === undefined) return;
  await cluster.change(slot.path, JSON.parse(JSON.stringify(patch)), "kubectl-edit");
}

async function deleteByHand({ cluster, dice }: OperationParts): Promise<void> {
  const slot = dice.pick(SLOTS);
  if (slot !== undefined) await cluster.remove(slot.path);
}

/** What a stack may want later is there before that. */
async function createByHand({ cluster, wanted, dice }: OperationParts): Promise<void> {
  const slot = dice.pick(wanted.free);
  if (slot === undefined || await cluster.read(slot.path) !== undefined) return;
  await cluster.write(JSON.parse(JSON.stringify(slot.manifest("found"))), "kubectl-create");
}
