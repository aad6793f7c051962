import { objectKey } from "../../agent/kube/names.ts";
import type { StackRecord } from "../../agent/plan/record.ts";
import type { DeliveryRow } from "./model_broker.ts";
import { INVENTORY } from "./model_agent.ts";
import { type ModelWorld, rootPath } from "./model_world.ts";
import { candidateAt, NAMESPACES, placeOf, STRANGERS } from "./candidates.ts";
import type { Wanted } from "./wanted.ts";
import { isOurs, type Seen } from "./witness.ts";

/**
 * How all differs from what must be, one line each: the cluster, what the broker says of it, and what the agent keeps.
 */
export async function findProblems(world: ModelWorld): Promise<readonly string[]> {
  const [seen, rows, records] = await Promise.all([
    world.witness.look(),
    world.broker.deliveries(),
    world.records.listStacks(),
  ]);
  return [
    ...clusterProblems(world, seen, records),
    ...world.witness.changedUids(seen),
    ...deliveryProblems(world, rows),
    ...recordProblems(world, records, rows),
    ...await keptProblems(world),
  ];
}

function clusterProblems(world: ModelWorld, seen: Seen, records: readonly StackRecord[]): readonly string[] {
  const { wanted, witness } = world;
  const places = wanted.places(wanted.present.filter(({ isSuspended }) => !isSuspended));
  const mayDiffer = placesThatMayDiffer(world);
  const mayStay = placesThatMayStay(world, records);
  const wrong = [...places].flatMap(([place, value]) => {
    const live = seen.get(place);
    if (mayDiffer.has(place)) return [];
    if (live === undefined) return [`${place} is missing`];
    if (!isOurs(live)) return [`${place} is not marked as ours`];
    const found = candidateAt(place)?.valueOf(live);
    return found === value ? [] : [`${place} is ${found}, not ${value}`];
  });
  const others = [...seen].flatMap(([place, live]) => {
    if (places.has(place) || mayStay.has(place) || candidateAt(place) === undefined) return [];
    if (isOurs(live)) return [`${place} is there, and is wanted by none`];
    return witness.isMadeByHand(live) ? [] : [`${place} is nobody's, and was not made by hand`];
  });
  const strangers = STRANGERS.flatMap((candidate) => {
    const place = placeOf(candidate, NAMESPACES[0]);
    const live = seen.get(place);
    const isAsItWas = live !== undefined && candidate.valueOf(live) === "found" && !isOurs(live);
    return isAsItWas ? [] : [`${place}, which is a stranger's, is not as it was`];
  });
  return [...wrong, ...others, ...strangers];
}

/** What somebody's hand did is not put right where the policy says so. */
function placesThatMayDiffer({ wanted, witness }: ModelWorld): ReadonlySet<string> {
  const lenient = wanted.present.filter(({ drift }) => drift !== "repair");
  return new Set([...wanted.places(lenient).keys()].filter((place) => witness.isTouched(place)));
}

/** Of a stack that is suspended nothing goes, and nothing comes. */
function placesThatMayStay({ wanted }: ModelWorld, records: readonly StackRecord[]): ReadonlySet<string> {
  const suspended = records.filter(({ id }) => wanted.find(id)?.isSuspended === true);
  return new Set(suspended.flatMap(({ objects }) => objects.map((object) => placeOf(object, object.namespace ?? ""))));
}

function deliveryProblems({ wanted }: ModelWorld, rows: readonly DeliveryRow[]): readonly string[] {
  const byId = new Map(rows.map((row) => [row.stackId, row]));
  const missing = wanted.present.filter(({ id }) => !byId.has(id)).map(({ name }) => `${name} has no delivery`);
  return [...missing, ...rows.flatMap((row) => deliveryProblem(row, wanted))];
}

function deliveryProblem(row: DeliveryRow, wanted: Wanted): readonly string[] {
  const stack = wanted.find(row.stackId);
  const said = `${stack?.name ?? row.stackId} is ${row.state} (${row.reason}): ${row.message}`;
  if (stack === undefined || !wanted.isTied(stack)) return row.state === "removed" ? [] : [`${said}, not removed`];
  if (stack.isMarked) {
    const isRight = stack.isSuspended ? row.reason === "suspended" || row.state === "removed" : row.state === "removed";
    return isRight ? [] : [`${said}, not removed`];
  }
  if (row.desiredObjectId !== stack.objectId) return [`${said}, of another deployment object`];
  if (stack.isSuspended) return row.state === "blocked" && row.reason === "suspended" ? [] : [`${said}, not suspended`];
  if (row.state !== "applied" || row.appliedObjectId !== stack.objectId) return [`${said}, not applied`];
  const bad = row.results.filter(({ action }) => action === "failed");
  const named = new Set(row.results.map(({ kind, name }) => `${kind}/${name}`));
  const unnamed = [...stack.values.keys()].filter(({ kind, name }) => !named.has(`${kind}/${name}`));
  return [
    ...bad.map(({ kind, name }) => `${said}, and ${kind}/${name} failed`),
    ...unnamed.map(({ kind, name }) => `${said}, and nothing is said of ${kind}/${name}`),
  ];
}

/** Every stack that is wanted has a record with just its objects, and no other stack has one. */
function recordProblems(
  { wanted }: ModelWorld,
  records: readonly StackRecord[],
  rows: readonly DeliveryRow[],
): readonly string[] {
  const byId = new Map(records.map((record) => [record.id, record]));
  const missing = wanted.present.filter(({ id, isSuspended }) => !isSuspended && !byId.has(id));
  return [
    ...missing.map(({ name }) => `${name} has no record`),
    ...records.flatMap((record) =>
      recordProblem(record, { wanted, row: rows.find(({ stackId }) => stackId === record.id) })
    ),
  ];
}

function recordProblem(
  { id, objects, unreadable }: StackRecord,
  { wanted, row }: Pick<ModelWorld, "wanted"> & { readonly row: DeliveryRow | undefined },
): readonly string[] {
  const stack = wanted.find(id);
  if (unreadable !== undefined) return [`the record of ${id} is unreadable: ${unreadable}`];
  if (stack?.isSuspended === true && wanted.isTied(stack)) return [];
  if (stack === undefined || !wanted.isPresent(stack)) {
    const said = row === undefined ? "has no delivery" : `is ${row.state} (${row.reason}) to the broker`;
    return [`${stack?.name ?? id} has a record, is wanted no more, and ${said}`];
  }
  const recorded = objects.map((object) => placeOf(object, object.namespace ?? "")).sort();
  const wants = [...wanted.places([stack]).keys()].sort();
  const without = objects.filter(({ uid }) => uid === undefined).map((object) => objectKey(object, object));
  return [
    ...(recorded.join() === wants.join() ? [] : [`${stack.name} has a record of ${recorded}, not of ${wants}`]),
    ...without.map((key) => `${stack.name} has a record of ${key} without a uid`),
    ...objects.flatMap(({ state, name }) => state === "held" ? [`${name} of ${stack.name} is recorded as held`] : []),
  ];
}

const BODY = /^brokkr-body-(.+)-\d+$/;
const HELD = ["brokkr.io/held", "brokkr.io/hold", "brokkr.io/accept-epoch", "brokkr.io/approve-prune"];

/** What the agent keeps is of stacks that are wanted, and its root waits for nobody. */
async function keptProblems({ hand, wanted, agentId }: ModelWorld): Promise<readonly string[]> {
  const secrets = await hand.list(`/api/v1/namespaces/${INVENTORY}/secrets`);
  const named = new Set(wanted.present.map(({ objectId }) => objectId));
  const bodies = secrets.flatMap(({ metadata: { name } }) => BODY.exec(name)?.[1] ?? []);
  const { annotations = {} } = (await hand.get(rootPath(agentId)))?.metadata ?? {};
  return [
    ...bodies.filter((id) => !named.has(id)).map((id) => `a bundle of object ${id} is kept, and no stack names it`),
    ...[...named].filter((id) => !bodies.includes(id)).map((id) => `the bundle of object ${id} is not kept`),
    ...HELD.filter((name) => name in annotations).map((name) => `the root says ${name}: ${annotations[name]}`),
  ];
}
