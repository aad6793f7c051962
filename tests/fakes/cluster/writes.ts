import { admitted, checkNamespace } from "./admission.ts";
import { decode, type Strictness, type Target } from "./decode.ts";
import { withDefaults } from "./defaults.ts";
import { alreadyExists, ApiFailure, badRequest, conflict, invalid, notFound, outdated } from "./failure.ts";
import { type Json, type JsonObject, sameJson, withoutNulls } from "./json.ts";
import { mergeInto } from "./merge.ts";
import { type KubeObject, timestamp } from "./objects.ts";
import { applied, updated, type Writer } from "./ownership.ts";
import { jsonPatched, mergePatched } from "./patches.ts";
import type { Registry } from "./registry.ts";
import type { ResourceType } from "./resources.ts";
import type { Store } from "./store.ts";
import { validate } from "./validate.ts";

/** What a write's query says. */
export interface WriteOptions {
  readonly manager: string;
  readonly isDryRun: boolean;
  readonly strictness: Strictness;
  /** Whether an apply takes fields that others own. */
  readonly isForced?: boolean;
}

/** The ways to lay a patch on an object. */
export type PatchStyle = "merge" | "json" | "strategic";

/** What a write made, and whether it is new. */
export interface Written {
  readonly object: KubeObject;
  readonly isNew: boolean;
}

/** The writing verbs, over the store. Every write is decoded, defaulted, checked, owned, compared, then kept. */
export class Writes {
  readonly #store: Store;
  readonly #registry: Registry;

  constructor(parts: { store: Store; registry: Registry }) {
    this.#store = parts.store;
    this.#registry = parts.registry;
  }

  /** POST: a new object. */
  create(target: Target, body: Json, options: WriteOptions): Written {
    const object = decode(target, body, options.strictness);
    const { resourceVersion } = object.metadata;
    if (resourceVersion) throw new ApiFailure(500, "", "resourceVersion should not be set on objects to be created");
    const named = withGeneratedName(object);
    const writer: Writer = { manager: options.manager, operation: "Update" };
    return this.#insert(target, named, { isDryRun: options.isDryRun, writer });
  }

  /** PUT: the whole object anew. */
  replace(target: Target, body: Json, options: WriteOptions): Written {
    const { type } = target;
    const live = this.get(target);
    const next = decode(target, body, options.strictness);
    if (type.schema !== undefined && !next.metadata.resourceVersion) {
      const message = "Invalid value: 0: must be specified for an update";
      throw invalid({ group: type.group, kind: type.plural }, next.metadata.name, [
        { reason: "FieldValueInvalid", message, field: "metadata.resourceVersion" },
      ]);
    }
    const { uid } = next.metadata;
    if (uid !== undefined && uid !== live.metadata.uid) throw otherUid(type, live, uid);
    return this.update(target, { live, next }, options);
  }

  /** PATCH: some fields anew. */
  patch(target: Target, change: { style: PatchStyle; body: Json }, options: WriteOptions): Written {
    const live = this.get(target);
    const patched = patchedBy(target.type, live, change);
    return this.update(target, {
      live,
      next: decode(target, patched, options.strictness === "strict" ? "strict patch" : "patch"),
    }, options);
  }

  /** PATCH of server-side apply: the fields of a manager, and no others. */
  apply(target: Target, body: Json, options: WriteOptions): Written {
    const config = withoutNulls(decode(target, body, "apply"));
    if (config.metadata.managedFields !== undefined) throw badRequest("metadata.managedFields must be nil");
    const { type, namespace, name = "", subresource } = target;
    const live = this.#store.find(type, namespace, name);
    checkVersion(type, config, live);
    const writer: Writer = { manager: options.manager, operation: "Apply", subresource };
    const wanted = subresource === undefined ? config : onlyStatus(config);
    const next = applied(type, { live, config: wanted, writer, force: options.isForced ?? false });
    if (live !== undefined) return this.#keep(target, { live, next }, options.isDryRun);
    if (subresource !== undefined) throw notFound(type, name);
    return this.#insert(target, next, { isDryRun: options.isDryRun });
  }

  /** Puts `next` in the place of `live`, in the name of the manager. */
  update(target: Target, change: { live: KubeObject; next: KubeObject }, options: WriteOptions): Written {
    const { live, next } = change;
    checkVersion(target.type, next, live);
    const writer: Writer = { manager: options.manager, operation: "Update", subresource: target.subresource };
    return this.#keep(target, { live, next, writer }, options.isDryRun);
  }

  /** The object of the target; none is a 404. */
  get({ type, namespace, name = "" }: Target): KubeObject {
    const found = this.#store.find(type, namespace, name);
    if (found === undefined) throw notFound(type, name);
    return found;
  }

  #insert({ type }: Target, object: KubeObject, options: { isDryRun: boolean; writer?: Writer }): Written {
    checkNamespace({ store: this.#store, registry: this.#registry }, type, object);
    const services = type.kind === "Service" ? this.#store.list(type) : [];
    const fresh = admitted(type, withDefaults(type, newborn(type, object)), services);
    validate(type, fresh);
    const { namespace, name } = fresh.metadata;
    if (this.#store.find(type, namespace, name) !== undefined) throw alreadyExists(type, name);
    const { writer } = options;
    const owned = writer === undefined ? fresh : updated(type, { live: undefined, next: fresh, writer });
    return { object: options.isDryRun ? owned : this.#store.put(type, owned), isNew: true };
  }

  #keep(target: Target, change: { live: KubeObject; next: KubeObject; writer?: Writer }, isDryRun: boolean): Written {
    const { type, subresource } = target;
    const { live, writer } = change;
    const next = withDefaults(type, settled(type, { ...change, subresource }));
    validate(type, next, live);
    const owned = writer === undefined ? next : updated(type, { live, next, writer });
    if (sameJson(owned, live)) return { object: live, isNew: false };
    const counted = withGeneration(type, live, owned);
    if (isDryRun) return { object: counted, isNew: false };
    const isGone = counted.metadata.deletionTimestamp !== undefined && isReleased(type, counted);
    return { object: isGone ? this.#store.drop(type, counted) : this.#store.put(type, counted), isNew: false };
  }
}

/** Whether nothing keeps an object that is being deleted. */
function isReleased(type: ResourceType, object: KubeObject): boolean {
  const isEmptied = type.kind !== "Namespace" || object.spec === undefined || sameJson(object.spec, {});
  return (object.metadata.finalizers ?? []).length === 0 && isEmptied;
}

function patchedBy(type: ResourceType, live: KubeObject, { style, body }: { style: PatchStyle; body: Json }): Json {
  if (style === "merge") return mergePatched(live, body);
  if (style === "json") return jsonPatched(live, body);
  return mergeInto(live as JsonObject, body as JsonObject, { type, isPatch: true });
}

function withGeneratedName(object: KubeObject): KubeObject {
  const { name, generateName } = object.metadata;
  if (name !== "" || generateName === undefined) return object;
  const suffix = crypto.randomUUID().replaceAll("-", "").slice(0, 5);
  return { ...object, metadata: { ...object.metadata, name: `${generateName}${suffix}` } };
}

/** Refuses a change that was made from another version, or another object, than the live one. */
function checkVersion(type: ResourceType, next: KubeObject, live: KubeObject | undefined): void {
  const { uid, resourceVersion, name } = next.metadata;
  if (live === undefined) {
    if (uid !== undefined) {
      throw conflict(
        type,
        name,
        `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
      );
    }
    return;
  }
  if (uid !== undefined && uid !== live.metadata.uid) {
    const message = `Invalid value: "${uid}": field is immutable`;
    const cause = { reason: "FieldValueInvalid", message, field: "metadata.uid" };
    throw invalid(type, name, [cause, cause]);
  }
  if (resourceVersion && resourceVersion !== live.metadata.resourceVersion) throw outdated(type, name);
}

function otherUid(type: ResourceType, live: KubeObject, uid: string): ApiFailure {
  const { name, namespace } = live.metadata;
  const key = `/registry/${type.plural}/${namespace === undefined ? "" : `${namespace}/`}${name}`;
  const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${live.metadata.uid}`;
  const error = `invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`;
  return conflict(type, name, `StorageError: ${error}`);
}

function newborn(type: ResourceType, object: KubeObject): KubeObject {
  const { resourceVersion: _, deletionTimestamp: __, deletionGracePeriodSeconds: ___, ...own } = object.metadata;
  const generation = type.hasGeneration ? { generation: 1 } : {};
  const { status, ...rest } = object;
  const kept = type.subresources.includes("status") || status === undefined ? rest : { ...rest, status };
  const metadata = { ...own, uid: crypto.randomUUID(), creationTimestamp: timestamp(), ...generation };
  return { ...kept, metadata } as KubeObject;
}

/** The changed object with what this path may not change put back. */
function settled(
  type: ResourceType,
  change: { live: KubeObject; next: KubeObject; subresource?: string },
): KubeObject {
  const { live, next, subresource } = change;
  const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation, resourceVersion } =
    live.metadata;
  const fixed = { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, generation, resourceVersion };
  const managedFields = next.metadata.managedFields ?? live.metadata.managedFields;
  if (subresource === "status") {
    return { ...live, status: next.status, metadata: { ...live.metadata, managedFields } };
  }
  const metadata = { ...next.metadata, ...fixed, managedFields };
  return type.subresources.includes("status") ? { ...next, status: live.status, metadata } : { ...next, metadata };
}

function withGeneration(type: ResourceType, live: KubeObject, next: KubeObject): KubeObject {
  const { generation = 1 } = live.metadata;
  if (!type.hasGeneration || sameJson(counted(type, live), counted(type, next))) return next;
  return { ...next, metadata: { ...next.metadata, generation: generation + 1 } };
}

/** The part of an object whose changes its generation counts. */
function counted(type: ResourceType, object: KubeObject): Json | undefined {
  if (type.schema === undefined) return object.spec;
  const { metadata: _, status, ...own } = object;
  return type.subresources.includes("status") ? own : { ...own, status };
}

function onlyStatus({ apiVersion, kind, metadata, status }: KubeObject): KubeObject {
  return { apiVersion, kind, metadata: { name: metadata.name, namespace: metadata.namespace }, status };
}
