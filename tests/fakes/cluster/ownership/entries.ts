import { type KubeObject, type ManagedFields, timestamp } from "../objects.ts";
import type { ResourceType } from "../resources.ts";
import { FieldSet } from "./field_set.ts";

/** Who writes, as `managedFields` tells them apart. */
export interface Writer {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  /** The version that the writer speaks; an applier is the same one in every version. */
  readonly apiVersion: string;
  readonly subresource?: string;
}

/** What one writer owns. */
export interface Share {
  readonly writer: Writer;
  readonly fields: FieldSet;
  readonly time: string | undefined;
}

/** The shares of an object, by writer. */
export type Shares = ReadonlyMap<string, Share>;

/** More writers of plain writes than these are put together, the oldest first. */
const MAX_UPDATERS = 10;

const ANCIENT = "ancient-changes";

/** Tells writers apart. */
export function writerKey({ manager, operation, apiVersion, subresource = "" }: Writer): string {
  return JSON.stringify([manager, operation, operation === "Apply" ? "" : apiVersion, subresource]);
}

/** Reads `managedFields`; `undefined` when an entry is none that a server writes. */
function readShares(entries: readonly Partial<ManagedFields>[] = []): Map<string, Share> | undefined {
  const shares = new Map<string, Share>();
  for (const { manager = "", operation, apiVersion = "", subresource, fieldsType, fieldsV1 = {}, time } of entries) {
    if (operation !== "Apply" && operation !== "Update") return undefined;
    if (apiVersion === "" || fieldsType !== "FieldsV1") return undefined;
    const writer: Writer = { manager, operation, apiVersion, ...(subresource ? { subresource } : {}) };
    shares.set(writerKey(writer), { writer, fields: FieldSet.read(fieldsV1), time });
  }
  return shares;
}

/**
 * The shares that a plain write starts from: those that the client sends, `[{}]` for none (and `[]`, but for custom
 * resources), and the live ones when it sends nothing that can be read.
 */
export function startingShares(type: ResourceType, live: KubeObject | undefined, next: KubeObject): Map<string, Share> {
  const sent = next.metadata.managedFields;
  const isEmpty = sent?.length === 0 && type.schema === undefined;
  if (isEmpty || (sent?.length === 1 && isBlank(sent[0]))) return new Map();
  const shares = readShares(sent);
  return shares === undefined || shares.size === 0 ? liveShares(live) : shares;
}

/** The shares of the live object. */
export function liveShares(live: KubeObject | undefined): Map<string, Share> {
  return readShares(live?.metadata.managedFields) ?? new Map();
}

function isBlank(entry: object | undefined): boolean {
  return entry !== undefined && Object.keys(entry).length === 0;
}

/** The object with these shares as its `managedFields`: appliers first, then by time. */
export function withShares<T extends KubeObject>(object: T, shares: Shares): T {
  const { managedFields: _, ...metadata } = object.metadata;
  const entries = [...shares.values()].filter(({ fields }) => !fields.isEmpty).map(entryOf).sort(inOrder);
  return { ...object, metadata: entries.length === 0 ? metadata : { ...metadata, managedFields: entries } };
}

function entryOf({ writer, fields, time }: Share): ManagedFields {
  const { manager, operation, apiVersion, subresource } = writer;
  const entry = {
    manager,
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: "FieldsV1" as const,
    fieldsV1: fields.write(),
  };
  return subresource === undefined ? entry : { ...entry, subresource };
}

function inOrder(a: ManagedFields, b: ManagedFields): number {
  return compareText(a.operation, b.operation) || compareText(a.time ?? "", b.time ?? "") ||
    compareText(a.manager, b.manager) || compareText(a.apiVersion, b.apiVersion) ||
    compareText(a.subresource ?? "", b.subresource ?? "");
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Adds what a plain write took to what its writer had. The server forgets when somebody scaled. */
export function addUpdate(shares: Map<string, Share>, writer: Writer, fields: FieldSet): void {
  if (fields.isEmpty) return;
  const key = writerKey(writer);
  const before = shares.get(key)?.fields ?? new FieldSet();
  const time = writer.subresource === "scale" ? undefined : timestamp();
  shares.set(key, { writer, fields: before.union(fields), time });
  putTogether(shares);
}

/** Keeps the number of plain writers within its limit. */
function putTogether(shares: Map<string, Share>): void {
  const updaters = [...shares.values()].filter(({ writer }) => writer.operation === "Update")
    .sort((a, b) => compareText(a.time ?? "", b.time ?? "") || compareText(writerKey(a.writer), writerKey(b.writer)));
  const first = new Map<string, Share>();
  let count = updaters.length;
  for (const share of updaters) {
    if (count <= MAX_UPDATERS) return;
    const { apiVersion } = share.writer;
    const oldest = first.get(apiVersion);
    if (oldest === undefined) {
      first.set(apiVersion, share);
      continue;
    }
    const writer: Writer = { manager: ANCIENT, operation: "Update", apiVersion };
    const bucket = shares.get(writerKey(writer)) ?? oldest;
    shares.delete(writerKey(oldest.writer));
    shares.delete(writerKey(share.writer));
    shares.set(writerKey(writer), { writer, fields: bucket.fields.union(share.fields), time: share.time });
    count -= 1;
  }
}
