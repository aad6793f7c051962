import type { Cause } from "./failure.ts";
import { isJsonObject, type Json, type JsonObject, listOr, objectOr } from "./json.ts";
import type { KubeObject } from "./objects.ts";

/** The custom resource with the defaults of its schema, and without the fields that the schema does not know. */
export function withSchemaDefaults(schema: JsonObject, object: KubeObject): KubeObject {
  const { apiVersion, kind, metadata, ...own } = object;
  return { apiVersion, kind, metadata, ...objectOr(shaped(schema, own)) };
}

function shaped(schema: JsonObject, value: Json): Json {
  if (Array.isArray(value)) return value.map((item) => shaped(objectOr(schema.items), item));
  if (!isJsonObject(value)) return value;
  const properties = objectOr(schema.properties);
  const rest = isJsonObject(schema.additionalProperties) ? schema.additionalProperties : undefined;
  const keepsAll = schema["x-kubernetes-preserve-unknown-fields"] === true || schema.additionalProperties === true;
  const kept: JsonObject = {};
  for (const [field, inner] of Object.entries(value)) {
    const known = properties[field] ?? rest;
    if (inner === undefined) continue;
    if (known !== undefined) kept[field] = shaped(objectOr(known), inner);
    else if (keepsAll) kept[field] = inner;
  }
  for (const [field, known] of Object.entries(properties)) {
    const wanted = objectOr(known).default;
    if (kept[field] === undefined && wanted !== undefined) kept[field] = shaped(objectOr(known), wanted);
  }
  return kept;
}

/** What a custom resource does wrong by its schema: fields that are required, types, enums, bounds. */
export function schemaFaults(schema: JsonObject, object: KubeObject): Cause[] {
  const { apiVersion: _, kind: __, metadata: ___, ...own } = object;
  return faults(schema, own, "");
}

function faults(schema: JsonObject, value: Json, field: string): Cause[] {
  const type = typeof schema.type === "string" ? schema.type : undefined;
  if (value === null && schema.nullable === true) return [];
  if (type !== undefined && !isOfType(type, value) && schema["x-kubernetes-int-or-string"] !== true) {
    return [wrongType(type, value, field)];
  }
  if (Array.isArray(value)) {
    return value.flatMap((item, index) => faults(objectOr(schema.items), item, `${field}[${index}]`));
  }
  return isJsonObject(value) ? objectFaults(schema, value, field) : scalarFaults(schema, value, field);
}

function objectFaults(schema: JsonObject, value: JsonObject, field: string): Cause[] {
  const properties = objectOr(schema.properties);
  const missing = listOr(schema.required).map(String).filter((name) => value[name] === undefined);
  const inner = Object.entries(value).flatMap(([name, item]) => {
    const known = objectOr(properties[name] ?? schema.additionalProperties);
    return item === undefined ? [] : faults(known, item, below(field, name));
  });
  const required = missing.map((name) => ({
    reason: "FieldValueRequired",
    message: "Required value",
    field: below(field, name),
  }));
  return [...required, ...inner];
}

function scalarFaults(schema: JsonObject, value: Json, field: string): Cause[] {
  const refuse = (
    why: string,
  ) => [{ reason: "FieldValueInvalid", message: `Invalid value: ${show(value)}: ${why}`, field }];
  if (Array.isArray(schema.enum) && !schema.enum.includes(value)) {
    const message = `Unsupported value: ${show(value)}: supported values: ${schema.enum.map(show).join(", ")}`;
    return [{ reason: "FieldValueNotSupported", message, field }];
  }
  const { minimum, maximum, pattern } = schema;
  const path = `${field} in body`;
  if (typeof value === "number" && typeof minimum === "number" && value < minimum) {
    return refuse(`${path} should be greater than or equal to ${minimum}`);
  }
  if (typeof value === "number" && typeof maximum === "number" && value > maximum) {
    return refuse(`${path} should be less than or equal to ${maximum}`);
  }
  if (typeof value === "string" && typeof pattern === "string" && !new RegExp(pattern).test(value)) {
    return refuse(`${path} should match '${pattern}'`);
  }
  return [];
}

function isOfType(type: string, value: Json): boolean {
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isJsonObject(value);
  if (type === "integer") return Number.isInteger(value);
  if (type === "number") return typeof value === "number";
  return type === "boolean" ? typeof value === "boolean" : typeof value === "string";
}

function wrongType(type: string, value: Json, field: string): Cause {
  const found = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
  const actual = found === "number" && Number.isInteger(value) ? "integer" : found;
  const path = field === "" ? "<nil>" : field;
  const message = `Invalid value: "${actual}": ${path} in body must be of type ${type}: "${actual}"`;
  return { reason: "FieldValueTypeInvalid", message, field: path };
}

function show(value: Json): string {
  return JSON.stringify(value);
}

function below(field: string, name: string): string {
  return field === "" ? name : `${field}.${name}`;
}
