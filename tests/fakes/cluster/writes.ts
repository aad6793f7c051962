import { checkDefinition, checkNamespace } from "./admission.ts";
import { shownAs } from "./conversion.ts";
import { decode, type Strictness, type Target } from "./decode.ts";
import { withDefaults } from "./defaults.ts";
import { alreadyExists, ApiFailure, badRequest, conflict, denied, invalid, notFound, outdated } from "./failure.ts";
import { type Json, objectOr, sameJson, withoutNulls } from "./json.ts";
import { type KubeObject, timestamp } from "./objects.ts";
import { applied, updated, versionsOf, type Write, type Writer } from "./ownership/mod.ts";
import { jsonPatched, mergePatched } from "./patches.ts";
import { admitted, checkPorts, withStoredVersions } from "./prepare.ts";
import { checkQuotas } from "./quota.ts";
import type { Registry } from "./registry.ts";
import { apiVersionOf, type ResourceType } from "./resources.ts";
import { withKeptAddresses } from "./service_addresses.ts";
import type { Store } from "./store.ts";
import { strategicallyPatched } from "./strategic.ts";
import { validate } from "./validate.ts";
import { checkWebhooks } from "./webhooks.ts";

/** What a write's query says. */
export interface WriteOptions {
  readonly manager: string;
  readonly isDryRun: boolean;
  readonly strictness: Strictness;
  /** Whether an apply takes fields that others own. */
  readonly isForced?: boolean;
}

/** Why an object may not be written; `undefined` when it may. */
export type Denial = (object: KubeObject) => string | undefined;

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
  readonly #denials = new Set<Denial>();

  constructor(parts: { store: Store; registry: Registry }) {
    this.#store = parts.store;
    this.#registry = parts.registry;
  }

  /**
   * Asks this of every object that is to be written, as a validating webhook: what it returns is why the object is
   * refused. The returned function takes it back.
   */
  refuse(deny: Denial): () => void {
    this.#denials.add(deny);
    return () => this.#denials.delete(deny);
  }

  /** POST: a new object. */
  create(target: Target, body: Json, options: WriteOptions): Written {
    const object = decode(target, body, options.strictness);
    const { resourceVersion } = object.metadata;
    if (resourceVersion) throw new ApiFailure(500, "", "resourceVersion should not be set on objects to be created");
    const named = withGeneratedName(object);
    const writer = writerOf(target, options, "Update");
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
    const live = this.#find(type, namespace, name);
    checkVersion(type, config, live);
    const wanted = subresource === undefined ? config : onlyStatus(config);
    const write = this.#write(type, writerOf(target, options, "Apply"));
    const next = applied(write, { live, config: wanted, isForced: options.isForced ?? false });
    if (live !== undefined) return this.#keep(target, { live, next }, options.isDryRun);
    if (subresource !== undefined) throw notFound(type, name);
    return this.#insert(target, next, { isDryRun: options.isDryRun });
  }

  /** Puts `next` in the place of `live`, in the name of the manager. */
  update(target: Target, change: { live: KubeObject; next: KubeObject }, options: WriteOptions): Written {
    const { live, next } = change;
    checkVersion(target.type, next, live);
    return this.#keep(target, { live, next, writer: writerOf(target, options, "Update") }, options.isDryRun);
  }

  /** The object of the target; none is a 404. */
  get({ type, namespace, name = "" }: Target): KubeObject {
    const found = this.#find(type, namespace, name);
    if (found === undefined) throw notFound(type, name);
    return found;
  }

  #find(type: ResourceType, namespace: string | undefined, name: string): KubeObject | undefined {
    const found = this.#store.find(type, namespace, name);
    return found && shownAs(type, found);
  }

  #write(type: ResourceType, writer: Writer): Write {
    return { type, writer, versions: versionsOf(this.#registry.known()) };
  }

  #insert({ type }: Target, object: KubeObject, options: { isDryRun: boolean; writer?: Writer }): Written {
    checkNamespace({ store: this.#store, registry: this.#registry }, type, object);
    checkDefinition({ store: this.#store, registry: this.#registry }, type, object);
    const services = type.kind === "Service" ? this.#store.list(type) : [];
    const { writer } = options;
    const fresh = withDefaults(type, newborn(type, object));
    const owned = writer === undefined ? fresh : updated(this.#write(type, writer), { live: undefined, next: fresh });
    const made = admitted(type, owned, services);
    this.#checkDenials(made);
    checkWebhooks({ store: this.#store, registry: this.#registry }, type, { object: made, operation: "CREATE" });
    validate(type, made);
    checkQuotas({ store: this.#store, registry: this.#registry }, type, made);
    const { namespace, name } = made.metadata;
    const present = this.#store.find(type, namespace, name);
    if (present !== undefined) throw alreadyExists(type, name, present.metadata.deletionTimestamp !== undefined);
    return { object: options.isDryRun ? made : this.#put(type, made), isNew: true };
  }

  #keep(target: Target, change: { live: KubeObject; next: KubeObject; writer?: Writer }, isDryRun: boolean): Written {
    const { type, subresource } = target;
    const { live, writer } = change;
    const next = this.#kept(type, live, withDefaults(type, settled(type, { ...change, subresource })));
    if (subresource === undefined) {
      this.#checkDenials(next);
      checkWebhooks({ store: this.#store, registry: this.#registry }, type, { object: next, operation: "UPDATE" });
    }
    validate(type, next, live);
    if (type.kind === "Service") checkPorts(type, next, this.#store.list(type));
    const owned = writer === undefined ? next : updated(this.#write(type, writer), { live, next });
    if (sameJson(withoutTimes(owned), withoutTimes(live))) return { object: live, isNew: false };
    const counted = withGeneration(type, live, owned);
    if (isDryRun) return { object: counted, isNew: false };
    const isGone = counted.metadata.deletionTimestamp !== undefined && isReleased(type, counted);
    return { object: isGone ? this.#store.drop(type, counted) : this.#put(type, counted), isNew: false };
  }

  #checkDenials(object: KubeObject): void {
    for (const deny of this.#denials) {
      const why = deny(object);
      if (why !== undefined) throw denied(why);
    }
  }

  /** What a change leaves out and the server remembers. */
  #kept(type: ResourceType, live: KubeObject, next: KubeObject): KubeObject {
    return type.kind === "Service" ? withKeptAddresses(next, live, this.#store.list(type)) : next;
  }

  /** Keeps the object in the version in which its type is kept. */
  #put(type: ResourceType, object: KubeObject): KubeObject {
    return this.#store.put(type, shownAs(this.#registry.storageOf(type), object));
  }
}

function writerOf(
  { type, subresource }: Target,
  { manager }: WriteOptions,
  operation: Writer["operation"],
): Writer {
  return { manager, operation, apiVersion: apiVersionOf(type), ...(subresource === undefined ? {} : { subresource }) };
}

/** A write that would only change when somebody wrote is none. */
function withoutTimes(object: KubeObject): KubeObject {
  const entries = object.metadata.managedFields?.map((entry) => ({ ...entry, time: "" }));
  return { ...object, metadata: { ...object.metadata, managedFields: entries } };
}

/** Whether nothing keeps an object that is being deleted. */
function isReleased(type: ResourceType, object: KubeObject): boolean {
  const isEmptied = type.kind !== "Namespace" || object.spec === undefined || sameJson(object.spec, {});
  return (object.metadata.finalizers ?? []).length === 0 && isEmptied;
}

function patchedBy(type: ResourceType, live: KubeObject, { style, body }: { style: PatchStyle; body: Json }): Json {
  if (style === "merge") return mergePatched(live, body);
  if (style === "json") return jsonPatched(live, body);
  return strategicallyPatched(type, live, objectOr(body));
}

function withGeneratedName(object: KubeObject): KubeObject {
  const { name, generateName } = object.metadata;
  if (name !== "" || generateName === undefined) return object;
  const letters = "bcdfghjklmnpqrstvwxz2456789";
  const suffix = [...crypto.getRandomValues(new Uint8Array(5))].map((byte) => letters[byte % letters.length]).join("");
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
  const { managedFields } = next.metadata;
  if (subresource === "status") {
    return { ...live, status: next.status, metadata: { ...live.metadata, managedFields } };
  }
  const metadata = { ...next.metadata, ...fixed };
  if (type.kind === "Namespace") return { ...next, spec: live.spec, status: live.status, metadata };
  if (type.kind === "CustomResourceDefinition") return { ...next, status: withStoredVersions(live, next), metadata };
  return type.subresources.includes("status") ? { ...next, status: live.status, metadata } : { ...next, metadata };
}

function withGeneration(type: ResourceType, live: KubeObject, next: KubeObject): KubeObject {
  const { generation = 1 } = live.metadata;
  if (!type.hasGeneration || sameJson(counted(type, live), counted(type, next))) return next;
  return { ...next, metadata: { ...next.metadata, generation: generation + 1 } };
}

/** The part of an object whose changes its generation counts. */
function counted(type: ResourceType, object: KubeObject): Json | undefined {
  if (type.schema === undefined) return object.webhooks ?? object.spec;
  const { metadata: _, status, ...own } = object;
  return type.subresources.includes("status") ? own : { ...own, status };
}

function onlyStatus({ apiVersion, kind, metadata, status }: KubeObject): KubeObject {
  return { apiVersion, kind, metadata: { name: metadata.name, namespace: metadata.namespace }, status };
}
