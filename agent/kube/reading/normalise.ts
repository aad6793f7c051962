import { Buffer } from "node:buffer";
import { isMapping } from "$lib/json.ts";
import { ADOPTED, MANIFEST_CHECKSUM, OWNER_ID, PART_OF, STACK } from "$lib/marks.ts";
import { groupOf } from "../names.ts";
import { withAccountNames } from "./account_names.ts";
import { withoutGenerated } from "./generated_fields.ts";
import { withoutNulls } from "./nulls.ts";

/** A manifest as it is applied. */
export interface Normalised {
  readonly object: Record<string, unknown>;
  /** What was left out that somebody may have meant. */
  readonly warnings: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** What the API server fills in: `kubectl get --output yaml` prints it, and nobody delivers it. */
const FILLED_IN = new Set([
  ...["creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "generation", "managedFields"],
  ...["ownerReferences", "resourceVersion", "selfLink", "uid"],
]);
const LEFT_OUT_ANNOTATIONS = new Set([
  ...[STACK, OWNER_ID, MANIFEST_CHECKSUM, ADOPTED],
  "kubectl.kubernetes.io/last-applied-configuration",
  "deployment.kubernetes.io/revision",
]);
const LEFT_OUT_LABELS = new Set([PART_OF]);
const CERTIFICATE = "-----BEGIN CERTIFICATE-----";
const BASE64 = /^[A-Za-z0-9+/\s]*(?:={1,2}\s*)?$/;

/**
 * Makes a manifest what is meant by it, as Flux's library does: what `kubectl get --output yaml` printed can be
 * delivered, `stringData` is `data`, and a placeholder for a certificate is left to who fills it in. What was given is
 * not changed; parts of it may be in the answer.
 */
export function normalise(manifest: Fields): Normalised {
  const { status: _status, ...rest } = manifest;
  const metadata = asFields(rest.metadata) ?? {};
  const own = { ...withoutPrinted(withoutNulls(rest)) as Fields, metadata: normalMetadata(metadata) };
  return {
    object: withoutPlaceholders(withoutGenerated(withAccountNames(withData(own)))),
    warnings: warningsOf(metadata),
  };
}

function warningsOf({ ownerReferences }: Fields): readonly string[] {
  if (!Array.isArray(ownerReferences) || ownerReferences.length === 0) return [];
  return ["metadata.ownerReferences is left out: with owners of another time the object would be collected"];
}

function normalMetadata(metadata: Fields): Fields {
  const kept = Object.entries(metadata).filter(([key, value]) => !FILLED_IN.has(key) && !isNone(value));
  const normal: Record<string, unknown> = Object.fromEntries(kept);
  if (normal.namespace === "") delete normal.namespace;
  leaveOut(normal, "annotations", LEFT_OUT_ANNOTATIONS);
  leaveOut(normal, "labels", LEFT_OUT_LABELS);
  return normal;
}

/** Leaves keys out of a field of metadata, and the field where nothing else was in it. */
function leaveOut(metadata: Record<string, unknown>, field: string, keys: ReadonlySet<string>): void {
  const all = asFields(metadata[field]);
  if (all === undefined || !Object.keys(all).some((key) => keys.has(key))) return;
  const kept = Object.entries(all).filter(([key]) => !keys.has(key));
  if (kept.length === 0) delete metadata[field];
  else metadata[field] = Object.fromEntries(kept);
}

/** Without the `creationTimestamp: null` that kubectl prints in each metadata, as that of a pod's template. */
function withoutPrinted(value: unknown): unknown {
  if (Array.isArray(value)) return mapped(value, (item) => withoutPrinted(withoutNullKey(item)));
  const fields = asFields(value);
  if (fields === undefined) return value;
  let changed: Record<string, unknown> | undefined;
  for (const [key, inner] of Object.entries(fields)) {
    const metadata = key === "metadata" ? asFields(inner) : undefined;
    const normal = metadata !== undefined && metadata.creationTimestamp === null
      ? withoutCreation(metadata)
      : withoutPrinted(inner);
    if (normal !== inner) (changed ??= { ...fields })[key] = normal;
  }
  return changed ?? value;
}

/**
 * The API server fills in the protocol of a port, by which it knows that: with null in its place it would take the port
 * for another one than the same port of before.
 */
function withoutNullKey(item: unknown): unknown {
  const fields = asFields(item);
  if (fields === undefined || fields.protocol !== null) return item;
  const { protocol: _, ...rest } = fields;
  return rest;
}

function withoutCreation({ creationTimestamp: _, ...metadata }: Fields): unknown {
  return withoutPrinted(metadata);
}

/** The same list where nothing in it is another. */
function mapped(list: readonly unknown[], change: (value: unknown) => unknown): readonly unknown[] {
  const changed = list.map(change);
  return changed.some((value, at) => value !== list[at]) ? changed : list;
}

/**
 * A Secret's `stringData` as `data`, null as the empty text; where it holds what is no text, or `data` is no map, it
 * stays for the API server to refuse.
 */
function withData(object: Fields): Fields {
  if (object.apiVersion !== "v1" || object.kind !== "Secret" || !("stringData" in object)) return object;
  const { stringData, ...rest } = object;
  if (isNone(stringData)) return rest;
  const texts = asFields(stringData);
  const isOther = !isNone(rest.data) && asFields(rest.data) === undefined;
  if (
    texts === undefined || isOther || !Object.values(texts).every((text) => typeof text === "string" || text === null)
  ) {
    return object;
  }
  const data = Object.entries(texts).map(([key, text]) => [key, Buffer.from(String(text ?? "")).toString("base64")]);
  return { ...rest, data: { ...asFields(rest.data), ...Object.fromEntries(data) } };
}

/** Without `caBundle` where it has no certificate: an injector's value would be taken back at each apply. */
function withoutPlaceholders(object: Fields): Record<string, unknown> {
  const { apiVersion, kind, webhooks, spec } = object;
  const group = typeof apiVersion === "string" ? groupOf(apiVersion) : "";
  if (group === "admissionregistration.k8s.io" && Array.isArray(webhooks)) {
    return { ...object, webhooks: mapped(webhooks, (one) => changedAt(one, ["clientConfig"], withoutPlaceholder)) };
  }
  if (group === "apiextensions.k8s.io" && kind === "CustomResourceDefinition") {
    return { ...object, spec: changedAt(spec, ["conversion", "webhook", "clientConfig"], withoutPlaceholder) };
  }
  if (group === "apiregistration.k8s.io") return { ...object, spec: withoutPlaceholder(spec) };
  return { ...object };
}

function changedAt(value: unknown, [first, ...path]: readonly string[], change: (value: unknown) => unknown): unknown {
  if (first === undefined) return change(value);
  const fields = asFields(value);
  if (fields === undefined || !Object.hasOwn(fields, first)) return value;
  return { ...fields, [first]: changedAt(fields[first], path, change) };
}

function withoutPlaceholder(config: unknown): unknown {
  const fields = asFields(config);
  if (fields === undefined || !("caBundle" in fields) || !isPlaceholder(fields.caBundle)) return config;
  const { caBundle: _, ...rest } = fields;
  return rest;
}

/** What is no base64 is for the API server to refuse. */
function isPlaceholder(caBundle: unknown): boolean {
  if (isNone(caBundle)) return true;
  if (typeof caBundle !== "string" || !BASE64.test(caBundle)) return false;
  return !Buffer.from(caBundle, "base64").toString("latin1").includes(CERTIFICATE);
}

function asFields(value: unknown): Fields | undefined {
  return isMapping(value) ? value : undefined;
}

function isNone(value: unknown): boolean {
  return value === undefined || value === null;
}
