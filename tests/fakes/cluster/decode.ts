import { ApiFailure, badRequest } from "./failure.ts";
import { isJsonObject, type Json, type JsonObject, objectOr } from "./json.ts";
import type { KubeObject, Metadata } from "./objects.ts";
import { apiVersionOf, type ResourceType } from "./resources.ts";
import { shapeFaults } from "./shapes.ts";
import { typedFailure, wrongPatch, wrongType } from "./type_failures.ts";

/** What a request is about: a resource, and as much of the rest as its path names. */
export interface Target {
  readonly type: ResourceType;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

/** How a body is read: what is made of unknown fields, and how a refusal is worded. */
export type Strictness = "lenient" | "strict" | "patch" | "strict patch" | "apply";

/** Reads a body as an object of the target's kind that stays in the target's namespace and under its name. */
export function decode(target: Target, body: Json, strictness: Strictness): KubeObject {
  if (!isJsonObject(body)) throw badRequest("couldn't get version/kind; json parse error");
  const { type } = target;
  const object = headed(type, body, strictness);
  checkTypes(type, object, strictness);
  if (type.kind === "Secret") checkBase64(object, "data", strictness);
  if (type.kind === "Lease") checkMicroTimes(object);
  if (type.kind === "ConfigMap") checkBase64(object, "binaryData", strictness);
  return placed(target, object);
}

function headed(type: ResourceType, body: JsonObject, strictness: Strictness): KubeObject {
  const expected = apiVersionOf(type);
  const { apiVersion, kind, metadata, ...rest } = body;
  const isRight = (apiVersion ?? expected) === expected && (kind ?? type.kind) === type.kind;
  const isComplete = apiVersion !== undefined && kind !== undefined;
  if (!isRight || (strictness === "apply" && !isComplete)) throw wrongKind(type, body, strictness);
  const object = { apiVersion: expected, kind: type.kind, metadata: metadataOf(metadata), ...rest };
  return structuredClone(type.kind === "ConfigMap" ? { ...object, data: blanked(rest.data) } : object);
}

/** A value that is null in a map of strings is an empty string. */
function blanked(map: Json | undefined): Json | undefined {
  if (!isJsonObject(map)) return map;
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, value === null ? "" : value]));
}

function wrongKind(type: ResourceType, { apiVersion, kind }: JsonObject, strictness: Strictness): ApiFailure {
  const [version = "", group = ""] = String(apiVersion ?? "").split("/").reverse();
  if (strictness === "apply") return badRequest(`invalid object type: ${group}/${version}, Kind=${kind ?? ""}`);
  const subject = `${kind} in version "${version}" cannot be handled as a ${type.kind}`;
  if (apiVersion === apiVersionOf(type)) return badRequest(`${subject}: unknown conversion`);
  return badRequest(`${subject}: no kind "${kind}" is registered for version "${apiVersion}" in scheme`);
}

function metadataOf(value: Json | undefined): Metadata {
  const { name = "", selfLink: _, ...rest } = objectOr(value);
  return { ...rest, name: String(name) } as Metadata;
}

/**
 * Refuses fields of a wrong type; unknown ones are refused or dropped. The schema of a custom resource sees to itself.
 */
function checkTypes(type: ResourceType, object: KubeObject, strictness: Strictness): void {
  const all = shapeFaults(type, object as JsonObject);
  const isCustom = type.schema !== undefined;
  const faults = isCustom && strictness !== "apply" ? all.filter(({ path }) => path.startsWith(".metadata")) : all;
  const refused = faults.filter(({ expected }) => expected !== undefined || !["lenient", "patch"].includes(strictness));
  const [fault] = refused;
  if (fault === undefined) return faults.forEach(({ path }) => forget(object, path));
  if (strictness === "apply") throw typedFailure(object, refused);
  throw strictness.endsWith("patch") ? wrongPatch(object, fault) : wrongType(object, fault);
}

function checkBase64(object: KubeObject, field: string, strictness: Strictness): void {
  for (const value of Object.values(objectOr(object[field]))) {
    const bad = String(value ?? "").search(/[^A-Za-z0-9+/=\r\n]/);
    if (bad >= 0) throw illegalBase64(object, bad, strictness);
  }
}

/** Times of a Lease have six digits after the second. */
function checkMicroTimes({ spec }: KubeObject): void {
  for (const field of ["acquireTime", "renewTime"]) {
    const time = objectOr(spec)[field];
    if (typeof time !== "string" || /\.\d{6}(Z|[+-]\d\d:\d\d)$/.test(time)) continue;
    const rest = time.slice(19);
    const why = `parsing time "${time}" as "2006-01-02T15:04:05.000000Z07:00": cannot parse "${rest}" as ".000000"`;
    throw badRequest(`Lease in version "v1" cannot be handled as a Lease: ${why}`);
  }
}

function illegalBase64({ kind, metadata }: KubeObject, position: number, strictness: Strictness): ApiFailure {
  const why = `illegal base64 data at input byte ${position}`;
  if (strictness !== "apply") return badRequest(`${kind} in version "v1" cannot be handled as a ${kind}: ${why}`);
  const subject = `${metadata.namespace ?? ""}/${metadata.name}; /v1, Kind=${kind}`;
  const decoding = `unable to convert unstructured object to /v1, Kind=${kind}: error decoding from json: ${why}`;
  return new ApiFailure(500, "", `failed to convert new object (${subject}) to proper version: ${decoding}`);
}

/** Drops a field that the kind does not have; those inside lists are left alone. */
function forget(object: KubeObject, path: string): void {
  const fields = path.slice(1).split(".");
  const last = fields.pop() ?? "";
  let holder: JsonObject = object;
  for (const field of fields) holder = objectOr(holder[field]);
  delete holder[last];
}

function placed({ type, namespace, name }: Target, object: KubeObject): KubeObject {
  const own = object.metadata;
  if (type.isNamespaced && own.namespace !== undefined && own.namespace !== namespace) {
    throw badRequest("the namespace of the provided object does not match the namespace sent on the request");
  }
  if (name !== undefined && own.name !== "" && own.name !== name) {
    throw badRequest(`the name of the object (${own.name}) does not match the name on the URL (${name})`);
  }
  const { namespace: _, ...metadata } = { ...own, name: name ?? own.name };
  return { ...object, metadata: type.isNamespaced ? { ...metadata, namespace } : metadata };
}
