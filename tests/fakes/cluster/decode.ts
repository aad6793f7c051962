import { ApiFailure, badRequest } from "./failure.ts";
import { isJsonObject, type Json, type JsonObject, objectOr } from "./json.ts";
import type { KubeObject, Metadata } from "./objects.ts";
import { apiVersionOf, type ResourceType } from "./resources.ts";
import { type ShapeFault, shapeFaults } from "./shapes.ts";

/** What a request is about: a resource, and as much of the rest as its path names. */
export interface Target {
  readonly type: ResourceType;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

/** How strictly a body is read: by `fieldValidation`, or as server-side apply does. */
export type Strictness = "lenient" | "strict" | "apply";

/** Reads a body as an object of the target's kind that stays in the target's namespace and under its name. */
export function decode(target: Target, body: Json, strictness: Strictness): KubeObject {
  if (!isJsonObject(body)) throw badRequest("couldn't get version/kind; json parse error");
  const { type } = target;
  const object = headed(type, body);
  const faults = shapeFaults(type, object as JsonObject);
  const unknown = faults.filter((fault) => fault.expected === undefined);
  const [fault] = faults.filter((one) => one.expected !== undefined || strictness !== "lenient");
  if (fault !== undefined) throw strictness === "apply" ? typedFailure(object, faults) : wrongType(object, fault);
  for (const one of unknown) forget(object, one.path);
  return placed(target, object);
}

function headed(type: ResourceType, body: JsonObject): KubeObject {
  const expected = apiVersionOf(type);
  const { apiVersion = expected, kind = type.kind, metadata, ...rest } = body;
  if (apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`,
    );
  }
  if (kind !== type.kind) {
    const group = `${expected}, Kind=`;
    throw badRequest(`${group}${kind} in the data does not match the expected ${group}${type.kind}`);
  }
  return structuredClone({ apiVersion: expected, kind: type.kind, metadata: metadataOf(metadata), ...rest });
}

function metadataOf(value: Json | undefined): Metadata {
  const { name = "", ...rest } = objectOr(value);
  return { ...rest, name: String(name) } as Metadata;
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

/** How a POST or PUT refuses a field: as Go's decoder words it. */
function wrongType(object: KubeObject, { path, expected, found, map }: ShapeFault): ApiFailure {
  if (expected === undefined) return badRequest(`strict decoding error: unknown field "${path.slice(1)}"`);
  const [version] = object.apiVersion.split("/").reverse();
  const where = `${object.kind} in version "${version}" cannot be handled as a ${object.kind}`;
  const field = `${object.kind}${(map ?? path).replace(/\[\d+\]/g, "")}`;
  const what = Array.isArray(found) ? "array" : typeof found;
  return badRequest(
    `${where}: json: cannot unmarshal ${what} into Go struct field ${field} of type ${goType(expected)}`,
  );
}

/** How server-side apply refuses fields: by path, with a status of 500. */
function typedFailure(object: KubeObject, faults: readonly ShapeFault[]): ApiFailure {
  const { name, namespace } = object.metadata;
  const gvk = object.apiVersion.includes("/") ? object.apiVersion : `/${object.apiVersion}`;
  const subject = `${namespace === undefined ? "" : `${namespace}/`}${name}; ${gvk}, Kind=${object.kind}`;
  const lines = faults.map(({ path, expected, found }) => {
    if (expected === undefined) return `${path}: field not declared in schema`;
    const value = isJsonObject(found) || Array.isArray(found) ? JSON.stringify(found) : String(found);
    return `${path}: expected ${smdType(expected)}, got &value.valueUnstructured{Value:${value}}`;
  });
  const list = lines.length === 1 ? lines.join() : `errors:\n${lines.map((line) => `  ${line}`).join("\n")}`;
  return new ApiFailure(500, "", `failed to create typed patch object (${subject}): ${list}`);
}

function goType(expected: string): string {
  return expected === "integer" ? "int32" : expected === "boolean" ? "bool" : expected;
}

function smdType(expected: string): string {
  return expected === "integer" ? "numeric (int or float)" : expected;
}

/** Drops a field that the kind does not have; those inside lists are left alone. */
function forget(object: KubeObject, path: string): void {
  const fields = path.slice(1).split(".");
  const last = fields.pop() ?? "";
  let holder: JsonObject = object;
  for (const field of fields) holder = objectOr(holder[field]);
  delete holder[last];
}
