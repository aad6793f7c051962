import { Failure } from "$lib/error.ts";
import type { Kubernetes, KubernetesObject } from "$lib/kubernetes.ts";
import type { Log } from "$lib/log.ts";
import type { RootRecord, Stamp } from "../plan/guard.ts";
import type { RecordedObject, StackRecord } from "../plan/record.ts";
import { allEnded } from "./all_ended.ts";
import { createDiscovery, type Discovery } from "./discovery.ts";
import { createInventory } from "./records/inventory.ts";
import type { Member, Members } from "./records/members.ts";
import { groupKindOf, objectKey, OWNER_ID, PART_OF, rootName, type SetIdentity } from "./names.ts";
import { recordedMembers } from "./records/recorded_members.ts";
import { CONFIG_MAPS, createRecords, type Records, type RecordsParts } from "./records/records.ts";
import { LEASES } from "./resources.ts";
import { type StackDoors, stackDoors } from "./stack_doors.ts";
import { TurnRecord } from "./records/turn_record.ts";

/** What giving the stacks of a lost identity to another one needs. */
export interface TakeOverParts {
  readonly kubernetes: Kubernetes;
  readonly log: Log;
  /** Where both keep their inventories. */
  readonly namespace: string;
  /** The lost agent's id. */
  readonly from: string;
  /** The agent that gets its stacks. */
  readonly to: string;
  /** Whether each stack's objects are marked as its generator. */
  readonly impersonatesGenerators: boolean;
}

/** What was given over. */
export interface TakenOver {
  readonly stacks: number;
  /** Members whose marks were rewritten; of a take-over that was begun before, only the rest. */
  readonly objects: number;
}

/** Milliseconds for which a root that was written says that its agent may be alive. */
const ALIVE_MS = 10 * 60_000;

/** The stacks, id and name, that an agent has. */
export async function stacksOf(
  { from: agentId, ...parts }: TakeOverParts,
  signal: AbortSignal,
): Promise<readonly Pick<StackRecord, "id" | "name">[]> {
  return (await recordsOf({ ...parts, agentId }).refresh(signal)).map(({ id, name }) => ({ id, name }));
}

/** Why the agent may be alive; undefined when nothing says so. */
export async function signOfLife(
  { kubernetes, namespace, from }: TakeOverParts,
  nowMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const name = rootName(from);
  const lease = await kubernetes.get({ resource: LEASES, namespace, name }, signal);
  if (lease !== undefined && isTaken(lease, nowMs)) return "its Lease is held";
  const root = await kubernetes.get({ resource: CONFIG_MAPS, namespace, name }, signal);
  const times = root?.metadata.managedFields?.flatMap(({ time }) => time ?? []) ?? [];
  const writtenMs = Math.max(...[...times, root?.metadata.creationTimestamp ?? ""].map((at) => Date.parse(at) || 0));
  return nowMs - writtenMs < ALIVE_MS ? `its root was written at ${new Date(writtenMs).toISOString()}` : undefined;
}

/**
 * Gives everything that one agent applied to another: first the root learns what the old one knew of the broker, then
 * stack by stack the new record names the objects, the objects get the new marks, and the old parent goes; at last the
 * old root. Interrupted anywhere, it can be run again.
 *
 * @param current What the broker says to the new agent now.
 * @throws {Failure} when a stack can't be seen whole: its old parent stays, and the old root with it.
 */
export async function takeOver(parts: TakeOverParts, current: Stamp, signal: AbortSignal): Promise<TakenOver> {
  const discovery = createDiscovery(parts.kubernetes);
  const moving: Moving = {
    ...parts,
    discovery,
    doors: stackDoors(parts),
    old: recordsOf({ ...parts, agentId: parts.from }),
    own: recordsOf({ ...parts, agentId: parts.to }),
  };
  const records = await moving.old.refresh(signal);
  await copyRoot(moving, current, signal);
  let objects = 0;
  for (const record of records) objects += await moveStack(moving, record, signal);
  await removeRoot(parts, signal);
  return { stacks: records.length, objects };
}

interface Moving extends TakeOverParts {
  readonly doors: StackDoors;
  readonly discovery: Discovery;
  readonly old: Records;
  readonly own: Records;
}

/** To each of the two the other's parents are a stranger's: that is no news here. */
function recordsOf(parts: RecordsParts): Records {
  const { log } = parts;
  return createRecords({ ...parts, log: { ...log, info: (...what) => log.debug(...what) } });
}

function isTaken({ spec }: KubernetesObject, nowMs: number): boolean {
  const { holderIdentity, renewTime, leaseDurationSeconds } = (spec ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof holderIdentity !== "string" || holderIdentity === "") return false;
  const renewedMs = typeof renewTime === "string" ? Date.parse(renewTime) || 0 : 0;
  return nowMs < renewedMs + (typeof leaseDurationSeconds === "number" ? leaseDurationSeconds : 30) * 1_000;
}

async function copyRoot({ old, own, ...parts }: Moving, current: Stamp, signal: AbortSignal): Promise<void> {
  const before = await createInventory({ ...parts, agentId: parts.from, records: old }).readRoot(signal);
  const inventory = createInventory({ ...parts, agentId: parts.to, records: own });
  const root = await inventory.readRoot(signal);
  await inventory.writeRoot({ ...root, ...inherited(before, root, current) }, signal);
}

/**
 * Revisions are counted for each agent apart, so in the epoch that the old agent knew the new one begins with its own.
 * Of another epoch all is as it was: the new agent finds that the broker is not the one it knows, and holds.
 */
function inherited(old: RootRecord, own: RootRecord, current: Stamp): Pick<RootRecord, "known" | "hold" | "removals"> {
  const known = old.known?.epoch === current.epoch ? current : old.known ?? own.known;
  const isKnown = (one: RootRecord["removals"][number]) =>
    own.removals.some(({ stackId, kind }) => stackId === one.stackId && kind === one.kind);
  const removals = [...own.removals, ...old.removals.filter((one) => !isKnown(one))];
  return { known, hold: own.hold ?? old.hold, removals };
}

async function moveStack(parts: Moving, record: StackRecord, signal: AbortSignal): Promise<number> {
  const { old, own, namespace } = parts;
  const moving = { ...parts, kubernetes: parts.doors.of(record) };
  const before = await own.find(record.id, signal);
  const unreadable = record.unreadable ?? before?.unreadable;
  if (unreadable !== undefined) throw cannot(record, unreadable);
  const turn = new TurnRecord(old, record, record);
  const members = await recordedMembers(
    moving,
    { set: await old.setOf(record.id), record: turn, legacy: record.legacy },
    signal,
  );
  if (members.failures.length > 0) throw cannot(record, members.failures.join("; "));
  const objects = new Map(turn.entries().map(([key, object]) => [key, uncompared(object)]));
  // The next turn brings the stack as a new one, whatever its drift is to come to: the marks are to be our entry's
  // again.
  const anew = { ...record, legacy: undefined, deploymentObjectId: undefined, deploymentChecksum: undefined };
  await writeUnited(own, anew, objects, signal);
  const set = await own.setOf(record.id);
  const found = await allEnded(
    [...objects],
    ([key, object]) => findMember(moving, { key, object, members }, signal),
  );
  const marked = await allEnded(found.flatMap((member) => member ?? []), (member) => mark(moving, member, set));
  await own.refresh(signal); // an agent at work may have written its own record meanwhile
  await writeUnited(own, anew, objects, signal);
  await old.remove(record.id, signal);
  moving.log.info("stack taken over", { namespace, stack: record.name, stack_id: record.id, objects: objects.size });
  return marked.length;
}

/** What the new agent wrote of an object itself stays as it is; a name without a uid is no more than an intent. */
async function writeUnited(
  own: Records,
  record: StackRecord,
  objects: ReadonlyMap<string, RecordedObject>,
  signal: AbortSignal,
): Promise<void> {
  const before = await own.find(record.id, signal);
  const theirs = (before?.objects ?? []).filter((object) => {
    const old = objects.get(objectKey(object, object));
    return old === undefined || (object.uid !== undefined && object.uid !== old.uid);
  });
  const united = new Map([...objects, ...theirs.map((object) => [objectKey(object, object), object] as const)]);
  const known = before === undefined ? {} : Object.fromEntries(Object.entries(before).filter(([, value]) => value));
  await own.write({ ...record, ...known, objects: [...united.values()] }, signal);
}

/** A member that lost its label is found by its name, and known by its uid. */
async function findMember(
  { kubernetes, discovery, from }: Moving,
  { key, object, members }: {
    readonly key: string;
    readonly object: RecordedObject;
    readonly members: Members;
  },
  signal: AbortSignal,
): Promise<Member | undefined> {
  const isSame = ({ meta }: Member) => object.uid === undefined || meta.uid === object.uid;
  const listed = members.byKey.get(key);
  if (listed !== undefined && isSame(listed)) return listed;
  const resource = await discovery.findAnyVersion(object, signal);
  if (resource === undefined) return undefined;
  const { name, namespace } = object;
  const place = { resource, name, ...(namespace === undefined ? {} : { namespace }) };
  const live = await kubernetes.get(place, signal);
  if (live?.metadata.annotations?.[OWNER_ID] !== from) return undefined;
  const member = { key, groupKind: groupKindOf(resource), place, meta: live.metadata };
  return isSame(member) ? member : undefined;
}

async function mark(
  { kubernetes, to }: Moving,
  { place, meta: { uid } }: Member,
  { id }: SetIdentity,
): Promise<void> {
  const metadata = { uid, labels: { [PART_OF]: id }, annotations: { [OWNER_ID]: to } };
  await kubernetes.patch(place, { metadata });
}

/** A write of the marks takes them from our entry in the managed fields: the next turn applies each object once. */
function uncompared({ generation: _, resourceVersion: __, marks: ___, ...object }: RecordedObject): RecordedObject {
  return object;
}

async function removeRoot({ kubernetes, namespace, from }: TakeOverParts, signal: AbortSignal): Promise<void> {
  const place = { resource: CONFIG_MAPS, namespace, name: rootName(from) };
  const uid = (await kubernetes.get(place, signal))?.metadata.uid;
  if (uid !== undefined) await kubernetes.delete(place, { uid }, signal);
}

function cannot({ name }: StackRecord, why: string): Failure {
  return new Failure("kubernetes_unavailable", `Cannot take over stack "${name}": ${why}`);
}
