import type { ObjectMeta } from "$lib/kubernetes.ts";
import type { InTheWay, RecordedObject, StackRecord, WantedKeys, YieldedField } from "../../plan/record.ts";
import { sameJson } from "../compare/pointers.ts";
import type { Desired } from "../desired.ts";
import { generationOf, marksOf } from "./marks.ts";
import { groupOf, objectKey } from "../names.ts";
import type { StackIdentity } from "../reconcile.ts";
import { changedByOthers, type Records } from "./records.ts";

/** Digits of a manifest's checksum that a record holds. */
const CHECKSUM_DIGITS = 16;

/** What a write, or a comparison, says of an object beside its metadata. */
export interface Noted {
  readonly isAdopted?: boolean;
  readonly yielded?: readonly YieldedField[];
}

/**
 * A stack's record while a turn changes it; in the cluster by {@linkcode TurnRecord.save}, and only where it differs.
 */
export class TurnRecord {
  readonly #records: Records;
  readonly #objects = new Map<string, RecordedObject>();
  #record: StackRecord;
  #isChanged: boolean;
  #hasNew = false;
  /** Which content the turn knows: what others recorded since must not be lost. */
  #stamp: string | undefined;

  constructor(
    records: Records,
    stack: StackIdentity,
    before: StackRecord | undefined,
  ) {
    const { id, name, generatorId = before?.generatorId } = stack;
    const nothing = { deploymentObjectId: undefined, deploymentChecksum: undefined, wanted: undefined, objects: [] };
    this.#records = records;
    const identity = { id, name, ...(generatorId === undefined ? {} : { generatorId }) };
    this.#record = { ...nothing, ...before, ...identity, legacy: undefined };
    this.#stamp = records.stampOf(id);
    const isSame = before?.name === name && before.generatorId === generatorId;
    this.#isChanged = !isSame || before.legacy !== undefined || records.isStale(id);
    for (const object of before?.objects ?? []) this.#objects.set(objectKey(object, object), object);
  }

  /** Whose record it is. */
  get stack(): StackIdentity {
    return this.#record;
  }

  /** The deployment object that was last applied as a whole. */
  get deploymentObjectId(): string | undefined {
    return this.#record.deploymentObjectId;
  }

  /**
   * Whether a deployment object was brought as a whole, with the default namespace that the stack has, and everything
   * taken out that it has no more.
   */
  isWhole(deploymentObjectId: string, defaultNamespace?: string): boolean {
    const { wanted } = this.#record;
    if (this.#record.deploymentObjectId !== deploymentObjectId) return false;
    if (wanted?.deploymentObjectId !== deploymentObjectId || wanted.defaultNamespace !== defaultNamespace) return false;
    const keys = new Set(wanted.keys);
    return this.keys().every((key) => keys.has(key));
  }

  /** What kept a Namespace or a definition of the stack from being deleted. */
  get inTheWay(): InTheWay | undefined {
    return this.#record.inTheWay;
  }

  setInTheWay(inTheWay: InTheWay | undefined): void {
    if (JSON.stringify(this.#record.inTheWay) === JSON.stringify(inTheWay)) return;
    this.#record = { ...this.#record, inTheWay };
    this.#isChanged = true;
  }

  get(key: string): RecordedObject | undefined {
    return this.#objects.get(key);
  }

  entries(): readonly (readonly [key: string, object: RecordedObject])[] {
    return [...this.#objects];
  }

  keys(): readonly string[] {
    return [...this.#objects.keys()];
  }

  /** Whether objects are named here and not yet in the cluster: they must be, before the first write of them. */
  get hasNew(): boolean {
    return this.#hasNew;
  }

  /** Names objects before the first write of them, so that a kill in between leaves nothing that nobody knows of. */
  intend(desired: readonly Desired[]): void {
    for (const one of desired.filter(({ key }) => !this.#objects.has(key))) {
      this.#set(one.key, identityOf(one));
      this.#hasNew = true;
    }
  }

  /** An object was written, or compared and found as it should be. */
  note(one: Desired, meta: ObjectMeta, { isAdopted = false, yielded = [] }: Noted = {}): void {
    const { uid, resourceVersion } = meta;
    const generation = generationOf(one.groupKind, meta);
    this.#set(one.key, {
      ...identityOf(one),
      ...(uid === undefined ? {} : { uid }),
      ...(isAdopted ? { adopted: true } : {}),
      ...(generation === undefined ? { resourceVersion } : { generation, marks: marksOf(meta) }),
      ...(yielded.length === 0 ? {} : { yielded }),
    });
  }

  /** Whose an object's type is, where a record of before does not say so. */
  noteServer({ key, isOfOtherServer }: Desired): void {
    const recorded = this.#objects.get(key);
    if (recorded !== undefined && isOfOtherServer) this.#set(key, { ...recorded, otherServer: true });
  }

  /** An object found by its label, of a parent that has no record yet, or one that another stack applied. */
  adopt(key: string, object: RecordedObject): void {
    this.#set(key, object);
  }

  /** An object is gone, or not ours any more. */
  drop(key: string): void {
    this.#isChanged = this.#objects.delete(key) || this.#isChanged;
  }

  /** The guard holds the deletion of these objects, and of no others. */
  markHeld(keys: ReadonlySet<string>): void {
    for (const [key, { state, ...object }] of this.#objects) {
      if (keys.has(key) !== (state === "held")) this.#set(key, keys.has(key) ? { ...object, state: "held" } : object);
    }
  }

  /** What the stack's bundle wants. */
  want({ deploymentObjectId, keys, defaultNamespace }: Omit<WantedKeys, "had">): void {
    const { wanted: before } = this.#record;
    const isSame = before?.deploymentObjectId === deploymentObjectId && before.keys.join() === keys.join() &&
      before.defaultNamespace === defaultNamespace;
    if (isSame) return;
    const had = before && this.#hadBefore(before);
    const where = defaultNamespace === undefined ? {} : { defaultNamespace };
    const wanted = { deploymentObjectId, keys, ...where, ...(had === undefined ? {} : { had }) };
    this.#record = { ...this.#record, wanted };
    this.#isChanged = true;
  }

  /** How many objects the stack had when its bundle came. */
  get had(): number {
    return this.#record.wanted?.had ?? this.#objects.size;
  }

  /** Of a bundle that was never whole, what it had when that one came: it may have brought any part of it. */
  #hadBefore({ deploymentObjectId, had = this.#objects.size }: WantedKeys): number {
    return this.#record.deploymentObjectId === deploymentObjectId ? this.#objects.size : had;
  }

  /** A deployment object was applied whole. */
  complete({ id, checksum }: { readonly id: string; readonly checksum: string }): void {
    if (this.#record.deploymentObjectId === id) return;
    this.#record = { ...this.#record, deploymentObjectId: id, deploymentChecksum: checksum };
    this.#isChanged = true;
  }

  /** Writes the record where it differs from what is in the cluster. */
  async save(signal?: AbortSignal): Promise<void> {
    if (!this.#isChanged) return;
    const stamp = this.#records.stampOf(this.#record.id);
    if (stamp !== undefined && stamp !== this.#stamp) throw changedByOthers(this.#record);
    await this.#records.write({ ...this.#record, objects: [...this.#objects.values()] }, signal);
    this.#stamp = this.#records.stampOf(this.#record.id);
    this.#isChanged = false;
    this.#hasNew = false;
  }

  #set(key: string, object: RecordedObject): void {
    const before = this.#objects.get(key);
    if (sameJson(before, object)) return;
    this.#objects.set(key, object);
    this.#isChanged = true;
  }
}

/** The part of a manifest's checksum that a record holds. */
export function shortChecksum(checksum: string): string {
  return checksum.slice(0, CHECKSUM_DIGITS);
}

/** What an object is, and where, as a record says it. */
export function recordedPlace(
  { groupKind: { group, kind }, place }: Pick<Desired, "groupKind" | "place">,
): Pick<RecordedObject, "group" | "kind" | "version" | "namespace" | "name"> {
  const { resource: { apiVersion }, namespace, name } = place;
  const version = group === "" ? apiVersion : apiVersion.slice(groupOf(apiVersion).length + 1);
  return { group, kind, version, ...(namespace === undefined ? {} : { namespace }), name };
}

function identityOf({ checksum, policies, isOfOtherServer, ...desired }: Desired): RecordedObject {
  return {
    ...recordedPlace(desired),
    checksum: shortChecksum(checksum),
    ...(Object.keys(policies).length === 0 ? {} : { policies }),
    ...(isOfOtherServer ? { otherServer: true } : {}),
  };
}
