import { Failure } from "$lib/error.ts";
import { type ApiResource, isRefused, type Kubernetes, type KubernetesObject } from "$lib/kubernetes.ts";
import type { Log } from "$lib/log.ts";
import type { RecordedObject, StackRecord } from "../../plan/record.ts";
import type { Annotations } from "../../plan/root_record.ts";
import type { Compared } from "../watch/drift.ts";
import {
  APPLYSET_ID,
  applySetId,
  type GroupKind,
  objectKey,
  OWNER_ID,
  parentName,
  type SetIdentity,
} from "../names.ts";
import { KindCounts } from "./kind_counts.ts";
import { digestOf, parentAnnotations, piecesOf, readParent, STACK_ID } from "./parent_text.ts";
import { recordDigest, recordText } from "./record_text.ts";

/** The resource of roots and parents, known without asking. */
export const CONFIG_MAPS: ApiResource = {
  apiVersion: "v1",
  kind: "ConfigMap",
  resource: "configmaps",
  namespaced: true,
  verbs: [],
};

/** The records of one agent's stacks, each in a parent: read once, then kept in memory, for nobody else writes them. */
export interface Records {
  /** The set of a stack, whether or not it has a parent yet. */
  setOf(stackId: string): Promise<SetIdentity>;
  /** Every record, read anew where its parent was changed since it was read or written. */
  refresh(signal?: AbortSignal): Promise<readonly StackRecord[]>;
  /**
   * The record of a stack.
   *
   * @throws {Failure} `kubernetes_rejected` when its parent is another agent's.
   */
  find(stackId: string, signal?: AbortSignal): Promise<StackRecord | undefined>;
  /** What the records say of an object that was written or compared last, and whose it is. */
  compared(key: string): Compared | undefined;
  /** Every record known without asking. */
  known(): readonly StackRecord[];
  /** The record of a stack, as far as it is known without asking. */
  knownOf(stackId: string): StackRecord | undefined;
  /** Every kind that the records known without asking name. */
  kinds(): readonly GroupKind[];
  /** Where objects of a kind are recorded. */
  namespacesOf(groupKind: GroupKind): readonly string[];
  /** Whether a parent says something else of its record, by somebody's hand or another version of this program. */
  isStale(stackId: string): boolean;
  /** Which content a stack's record has, as it was read or written last; undefined where that is not known. */
  stampOf(stackId: string): string | undefined;
  /**
   * Makes the parent, or changes what differs, or does nothing.
   *
   * @throws {Failure} `kubernetes_unavailable` when somebody else changed the record since it was read.
   */
  write(record: StackRecord, signal?: AbortSignal): Promise<void>;
  /** Takes the parent away: the stack is out of the inventory. */
  remove(stackId: string, signal?: AbortSignal): Promise<void>;
}

/** Where parents live, and whose they are. */
export interface RecordsParts {
  readonly kubernetes: Kubernetes;
  readonly log: Log;
  readonly agentId: string;
  readonly namespace: string;
}

interface Parent {
  readonly uid: string;
  readonly resourceVersion: string;
  /** Whether it carries the label by which parents are found. */
  readonly isListed: boolean;
  readonly annotations: Annotations;
  readonly record: StackRecord;
  readonly isStale: boolean;
}

/** What a parent is to be. */
interface ParentContent {
  readonly annotations: Annotations;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Records over the Kubernetes door. */
export function createRecords(parts: RecordsParts): Records {
  return new StoredRecords(parts);
}

class StoredRecords implements Records {
  readonly #parts: RecordsParts;
  readonly #parents = new Map<string, Parent>();
  /** The objects of every record, by key, and the stack that has each. */
  readonly #objects = new Map<string, Compared>();
  readonly #kinds = new KindCounts();
  #strangers: ReadonlySet<string> = new Set();

  constructor(parts: RecordsParts) {
    this.#parts = parts;
  }

  async setOf(stackId: string): Promise<SetIdentity> {
    const { agentId, namespace } = this.#parts;
    return { id: await applySetId(this.#nameOf(stackId), namespace), stackId, agentId };
  }

  async refresh(signal?: AbortSignal): Promise<readonly StackRecord[]> {
    const { kubernetes, agentId, namespace } = this.#parts;
    const before = new Map(this.#parents);
    const { items } = await kubernetes.listMetadata(CONFIG_MAPS, { namespace, labelSelector: APPLYSET_ID, signal });
    const isOwn = ({ metadata }: KubernetesObject) => metadata.annotations?.[OWNER_ID] === agentId;
    this.#warnOfStrangers(items.filter((parent) => !isOwn(parent)).map(({ metadata }) => metadata.name));
    const listed = items.filter(isOwn).flatMap(({ metadata }) => {
      const stackId = metadata.annotations?.[STACK_ID];
      return stackId === undefined ? [] : [{ stackId, resourceVersion: metadata.resourceVersion }];
    });
    const ids = new Set(listed.map(({ stackId }) => stackId));
    for (const [stackId, parent] of before) {
      if (!ids.has(stackId) && this.#parents.get(stackId) === parent) this.#forget(stackId);
    }
    await Promise.all(listed.map(async ({ stackId, resourceVersion }) => {
      if (this.#parents.get(stackId)?.resourceVersion !== resourceVersion) await this.#read(stackId, signal);
    }));
    return this.known();
  }

  async find(stackId: string, signal?: AbortSignal): Promise<StackRecord | undefined> {
    const parent = this.#parents.get(stackId) ?? await this.#read(stackId, signal);
    return parent?.record;
  }

  isStale(stackId: string): boolean {
    return this.#parents.get(stackId)?.isStale ?? false;
  }

  stampOf(stackId: string): string | undefined {
    return digestOf(this.#parents.get(stackId)?.annotations ?? {});
  }

  compared(key: string): Compared | undefined {
    return this.#objects.get(key);
  }

  known(): readonly StackRecord[] {
    return [...this.#parents.values()].map(({ record }) => record);
  }

  knownOf(stackId: string): StackRecord | undefined {
    return this.#parents.get(stackId)?.record;
  }

  kinds(): readonly GroupKind[] {
    return this.#kinds.kinds();
  }

  namespacesOf(groupKind: GroupKind): readonly string[] {
    return this.#kinds.namespacesOf(groupKind);
  }

  /** Pieces beyond the parent's own come before it and go after it: the parent alone says which are of the record. */
  async write(record: StackRecord, signal?: AbortSignal): Promise<void> {
    const before = this.#parents.get(record.id);
    const text = recordText(record);
    const annotations = parentAnnotations(record, { ...this.#parts, text });
    if (before?.isListed === true && difference(before.annotations, annotations) === undefined) {
      // as it is in the cluster, so that nothing need be indexed anew
      this.#parents.set(record.id, { ...before, record, isStale: false });
      return;
    }
    const [own = "", ...others] = text.pieces;
    for (const [index, piece] of others.entries()) await this.#writePiece(record.id, index + 1, [text.digest, piece]);
    const content = { annotations, body: { binaryData: { objects: own } } };
    const changed = before === undefined ? undefined : await this.#change(before, content, signal);
    this.#keep(record, changed ?? await this.#make(record.id, content, signal), annotations);
    await this.#dropPieces(record.id, {
      digest: text.digest,
      had: piecesOf(before?.annotations),
      has: text.pieces.length,
    });
  }

  async remove(stackId: string, signal?: AbortSignal): Promise<void> {
    const parent = this.#parents.get(stackId) ?? await this.#read(stackId, signal);
    if (parent === undefined) return;
    await this.#parts.kubernetes.delete(this.#placeOf(stackId), { uid: parent.uid }, signal);
    this.#forget(stackId);
    await this.#dropPieces(stackId, { digest: "", had: piecesOf(parent.annotations), has: 1 });
  }

  /** What was written meanwhile is newer than what was read. */
  async #read(stackId: string, signal?: AbortSignal): Promise<Parent | undefined> {
    const { kubernetes, agentId, namespace } = this.#parts;
    const before = this.#parents.get(stackId);
    const object = await kubernetes.get(this.#placeOf(stackId), signal);
    if (this.#parents.get(stackId) !== before) return this.#parents.get(stackId);
    if (object === undefined) {
      this.#forget(stackId);
      return undefined;
    }
    const { name, annotations = {} } = object.metadata;
    if (annotations[OWNER_ID] !== agentId) {
      const message = `Cannot use ConfigMap "${name}" in namespace "${namespace}": it belongs to another agent`;
      throw new Failure("kubernetes_rejected", message);
    }
    const others = Array.from({ length: piecesOf(annotations) - 1 }, (_, index) => index + 1);
    const maps = await Promise.all(others.map((index) => kubernetes.get(this.#placeOf(stackId, index), signal)));
    if (this.#parents.get(stackId) !== before) return this.#parents.get(stackId);
    const record = readParent(stackId, object, { others: maps, namespace });
    const text = { digest: recordDigest(record), pieces: { length: piecesOf(annotations) } };
    return this.#keep(record, object, parentAnnotations(record, { ...this.#parts, text }));
  }

  /** `wanted` are the annotations that say the same as the record. */
  #keep(record: StackRecord, { metadata }: KubernetesObject, wanted: Annotations): Parent {
    const { uid = "", resourceVersion = "", annotations = {} } = metadata;
    const isListed = metadata.labels?.[APPLYSET_ID] !== undefined;
    const isStale = !isListed || difference(annotations, wanted) !== undefined;
    const parent = { uid, resourceVersion, isListed, annotations, record, isStale };
    this.#forget(record.id);
    this.#parents.set(record.id, parent);
    this.#kinds.add(record.objects);
    for (const object of record.objects) this.#objects.set(objectKey(object, object), comparedOf(record.id, object));
    return parent;
  }

  /** An object that is being handed over is in two records for a moment: the newer one has it. */
  #forget(stackId: string): void {
    const { objects = [] } = this.knownOf(stackId) ?? {};
    this.#kinds.remove(objects);
    for (const object of objects) {
      const key = objectKey(object, object);
      if (this.#objects.get(key)?.stackId === stackId) this.#objects.delete(key);
    }
    this.#parents.delete(stackId);
  }

  /**
   * Only from what was read or written last: were another process of this agent at work, the objects that it recorded
   * would be nobody's. Undefined when the parent is gone.
   */
  async #change(
    before: Parent,
    content: ParentContent,
    signal?: AbortSignal,
  ): Promise<KubernetesObject | undefined> {
    const { id } = before.record;
    try {
      return await this.#patch(id, content, { of: before, signal });
    } catch (error) {
      if (!isRefused(error, 409, 422)) throw error; // 422: it is another one, made anew
      const now = await this.#read(id, signal);
      if (now === undefined) return undefined;
      // The second: a write of ours whose answer was lost.
      const expected = [before.annotations, content.annotations].map(digestOf);
      if (expected.includes(digestOf(now.annotations))) return await this.#patch(id, content, { of: now, signal });
      throw changedByOthers(before.record, error);
    }
  }

  async #patch(
    stackId: string,
    { annotations, body }: ParentContent,
    { of: { uid, resourceVersion }, signal }: { readonly of: Parent; readonly signal?: AbortSignal },
  ): Promise<KubernetesObject | undefined> {
    const labels = await this.#labels(stackId);
    const metadata = { uid, resourceVersion, labels, annotations };
    return await this.#parts.kubernetes.patch(this.#placeOf(stackId), { metadata, ...body }, { signal });
  }

  async #labels(stackId: string): Promise<Annotations> {
    return { [APPLYSET_ID]: (await this.setOf(stackId)).id };
  }

  /**
   * A POST whose answer was lost is repeated, and then the parent is there already: it is changed to what it is to be.
   */
  async #make(stackId: string, content: ParentContent, signal?: AbortSignal): Promise<KubernetesObject> {
    const { kubernetes, namespace } = this.#parts;
    const { annotations, body } = content;
    const { name } = this.#placeOf(stackId);
    const labels = await this.#labels(stackId);
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, labels, annotations }, ...body };
    try {
      return await kubernetes.create(CONFIG_MAPS, object, { signal });
    } catch (error) {
      const there = isRefused(error, 409) ? await this.#read(stackId, signal) : undefined;
      if (there === undefined) throw error;
      const patched = await this.#patch(stackId, content, { of: there, signal });
      if (patched === undefined) throw error;
      return patched;
    }
  }

  async #writePiece(stackId: string, index: number, [digest, piece]: readonly [string, string]): Promise<void> {
    const { kubernetes, agentId, namespace } = this.#parts;
    const place = this.#placeOf(stackId, index);
    const binaryData = { [`objects-${digest}`]: piece };
    const isThere = await kubernetes.get(place) !== undefined;
    if (isThere && await kubernetes.patch(place, { binaryData }) !== undefined) return;
    const metadata = { name: place.name, namespace, annotations: { [OWNER_ID]: agentId, [STACK_ID]: stackId } };
    await kubernetes.create(CONFIG_MAPS, { apiVersion: "v1", kind: "ConfigMap", metadata, binaryData });
  }

  /** What a kill leaves of earlier pieces takes room and means nothing; the next write of the record takes it away. */
  async #dropPieces(
    stackId: string,
    { digest, had, has }: { readonly digest: string; readonly had: number; readonly has: number },
  ): Promise<void> {
    const { kubernetes } = this.#parts;
    for (let index = 1; index < Math.max(had, has); index += 1) {
      const place = this.#placeOf(stackId, index);
      const map = await kubernetes.get(place);
      if (map?.metadata.uid === undefined) continue;
      if (index >= has) await kubernetes.delete(place, { uid: map.metadata.uid });
      const names = Object.keys((map.binaryData ?? {}) as object).filter((name) => name !== `objects-${digest}`);
      const binaryData = Object.fromEntries(names.map((name) => [name, null]));
      if (index < has && names.length > 0) await kubernetes.patch(place, { binaryData });
    }
  }

  #warnOfStrangers(names: readonly string[]): void {
    const { log, namespace } = this.#parts;
    for (const name of names.filter((name) => !this.#strangers.has(name))) {
      log.info("inventory of another agent or tool left alone", { namespace, name });
    }
    this.#strangers = new Set(names);
  }

  #nameOf(stackId: string): string {
    return parentName(this.#parts.agentId, stackId);
  }

  #placeOf(stackId: string, piece?: number) {
    const suffix = piece === undefined ? "" : `-${piece}`;
    return { resource: CONFIG_MAPS, namespace: this.#parts.namespace, name: `${this.#nameOf(stackId)}${suffix}` };
  }
}

/** Says that a stack's record is not what a turn began with. */
export function changedByOthers({ name }: Pick<StackRecord, "name">, cause?: unknown): Failure {
  const message = `Cannot write the record of stack "${name}": it was changed by somebody else`;
  return new Failure("kubernetes_unavailable", message, { cause });
}

function comparedOf(stackId: string, { uid, generation, resourceVersion, marks }: RecordedObject): Compared {
  return { stackId, uid, generation, resourceVersion, marks };
}

/** Undefined when nothing differs; what is not ours to say is left alone. */
function difference(before: Annotations | undefined, after: Annotations): Annotations | undefined {
  const changed = Object.entries(after).filter(([name, value]) => before?.[name] !== value);
  return changed.length === 0 ? undefined : Object.fromEntries(changed);
}
