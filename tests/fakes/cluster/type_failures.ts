import { ApiFailure, badRequest, invalid } from "./failure.ts";
import { isJsonObject, type Json } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import type { ShapeFault } from "./shapes.ts";

/** How a POST or PUT refuses a field: as Go's decoder words it. */
export function wrongType(object: KubeObject, fault: ShapeFault): ApiFailure {
  const [version] = object.apiVersion.split("/").reverse();
  const { kind } = object;
  return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${decoderMessage(kind, fault)}`);
}

/** How a patch is refused whose result has a field of a wrong type. */
export function wrongPatch(object: KubeObject, fault: ShapeFault): ApiFailure {
  const patched = JSON.stringify(JSON.stringify(object));
  const message = `Invalid value: ${patched}: ${decoderMessage(object.kind, fault)}`;
  return invalid({ group: "", kind: "" }, "", [{ reason: "FieldValueInvalid", message, field: "patch" }]);
}

/** How server-side apply refuses fields: by path, with a status of 500 and no reason. */
export function typedFailure(object: KubeObject, faults: readonly ShapeFault[]): ApiFailure {
  return untypedFailure(object, faultLines(faults));
}

/** How server-side apply refuses an object of which it can make nothing. */
export function untypedFailure({ apiVersion, kind, metadata }: KubeObject, why: string): ApiFailure {
  const group = apiVersion.includes("/") ? apiVersion : `/${apiVersion}`;
  const subject = `${metadata.namespace ?? ""}/${metadata.name}; ${group}, Kind=${kind}`;
  return new ApiFailure(500, "", `failed to create typed patch object (${subject}): ${why}`);
}

/** The faults by path: on one line, or as a list. */
export function faultLines(faults: readonly ShapeFault[]): string {
  const lines = faults.map(({ path, expected, found }) =>
    expected === undefined ? `${path}: field not declared in schema` : `${path}: ${typedMessage(expected, found)}`
  );
  return lines.length === 1 ? lines.join() : `errors:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

function decoderMessage(kind: string, { path, expected, found, map }: ShapeFault): string {
  if (expected === undefined) return `strict decoding error: unknown field "${path.slice(1)}"`;
  const field = (map ?? path).replace(/\[[^\]]*\]/g, "");
  const struct = field.startsWith(".metadata") ? "ObjectMeta" : field.startsWith(".spec") ? `${kind}Spec` : kind;
  const what = Array.isArray(found) ? "array" : typeof found === "boolean" ? "bool" : typeof found;
  const wanted = expected === "integer" ? "int32" : expected === "boolean" ? "bool" : expected;
  return `json: cannot unmarshal ${what} into Go struct field ${struct}${field} of type ${wanted}`;
}

function typedMessage(expected: string, found: Json): string {
  if (expected === "integer") return `expected numeric (int or float), got ${typeof found}`;
  return `expected ${expected}, got &value.valueUnstructured{Value:${goValue(found)}}`;
}

function goValue(value: Json): string {
  if (Array.isArray(value)) return `[]interface {}{${value.map(goValue).join(", ")}}`;
  if (!isJsonObject(value)) return typeof value === "string" ? JSON.stringify(value) : String(value);
  const fields = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}:${goValue(inner ?? null)}`);
  return `map[string]interface {}{${fields.join(", ")}}`;
}
