import { ApiFailure } from "../failure.ts";
import { sameJson, withoutNulls } from "../json.ts";
import { type KubeObject, timestamp } from "../objects.ts";
import { apiVersionOf, type ResourceType } from "../resources.ts";
import { untypedFailure } from "../type_failures.ts";
import { conflictFailure, type Taken } from "./conflicts.ts";
import { emptyObject } from "./empty.ts";
import { addUpdate, liveShares, type Share, startingShares, withShares, type Writer, writerKey } from "./entries.ts";
import { FieldSet, showPath } from "./field_set.ts";
import { kindOf } from "./kinds.ts";
import { merged } from "./merge.ts";
import { pruned } from "./prune.ts";
import { resetFields, UNOWNED } from "./reset.ts";
import { during, unlessMissing, type Versions } from "./versions.ts";
import { compared, type Comparison, fieldsOf, findNamesakes } from "./walks.ts";

export type { Writer } from "./entries.ts";
export { type Versions, versionsOf } from "./versions.ts";

/** Who owned what before an object was first applied, where nobody kept track. */
const BEFORE_FIRST_APPLY = "before-first-apply";

/** What stays the same for all steps of one write. */
export interface Write {
  readonly type: ResourceType;
  readonly writer: Writer;
  readonly versions: Versions;
}

/** The object that an apply makes of the live one, with its new ownership. */
export function applied(
  write: Write,
  change: { live: KubeObject | undefined; config: KubeObject; isForced: boolean },
): KubeObject {
  const { type, writer } = write;
  const { config, isForced } = change;
  const twice = findNamesakes(kindOf(type), config);
  if (twice !== undefined) {
    throw untypedFailure(config, `${showPath(twice.path)}: duplicate entries for key ${showPath([twice.element])}`);
  }
  const live = withoutShares(change.live ?? emptyObject(type));
  const shares = reconciled(write, live, sharesToApplyOn(write, change.live));
  const key = writerKey(writer);
  const last = shares.get(key);
  const whole = { type, object: merged(kindOf(type), live, config) };
  const wanted = fieldsOf(kindOf(type), config).outside(resetFields(type, writer.subresource));
  shares.set(key, { writer, fields: wanted, time: last?.time });
  const next = last === undefined
    ? whole
    : answering(() =>
      during("failed to prune fields", () =>
        pruned({ merged: whole, last, shares: shares.values(), versions: write.versions }))
    );
  const taken = answering(() => take(write, { live, next: next.object }, { shares, except: key }).taken);
  if (taken.length > 0 && !isForced) throw conflictFailure(taken);
  const time = sameJson(live, next.object) ? last?.time : timestamp();
  shares.set(key, { writer, fields: wanted.difference(UNOWNED), time });
  return withShares(type.schema === undefined ? withoutNulls(next.object) : next.object, shares);
}

/** The object after a plain write: what changed now belongs to the writer, what went belongs to nobody. */
export function updated(write: Write, change: { live: KubeObject | undefined; next: KubeObject }): KubeObject {
  const { type, writer } = write;
  const next = withoutShares(change.next);
  const shares = writer.subresource === undefined
    ? startingShares(type, change.live, change.next)
    : liveShares(change.live);
  if (change.live !== undefined && shares.size === 0) return next;
  const live = withoutShares(change.live ?? emptyObject(type));
  try {
    return withShares(next, afterUpdate(write, { live, next }, shares));
  } catch {
    // As the real server does: a plain write that can't tell who owns what goes through, and nobody owns anything.
    return next;
  }
}

function afterUpdate(write: Write, change: Change, before: Map<string, Share>): Map<string, Share> {
  const shares = reconciled(write, change.live, before);
  const { comparison } = take(write, change, { shares });
  const mine = comparison.modified.union(comparison.added).difference(UNOWNED);
  addUpdate(shares, write.writer, mine);
  return shares;
}

interface Change {
  readonly live: KubeObject;
  readonly next: KubeObject;
}

/** Takes from everybody but `except` what the change changes; says who lost what, and what changed for the writer. */
function take(
  { type, writer, versions }: Write,
  { live, next }: Change,
  { shares, except }: { shares: Map<string, Share>; except?: string },
): { comparison: Comparison; taken: Taken[] } {
  const byVersion = new Map<string, Comparison>();
  const compareAt = (apiVersion: string) => {
    const old = during("failed to convert old object", () => versions({ type, object: live }, apiVersion));
    const fresh = during("failed to convert new object", () => versions({ type, object: next }, apiVersion));
    return filtered(compared(kindOf(fresh.type), old.object, fresh.object), resetFields(type, writer.subresource));
  };
  const comparison = compareAt(apiVersionOf(type));
  byVersion.set(apiVersionOf(type), comparison);
  const taken: Taken[] = [];
  for (const [key, share] of shares) {
    if (key === except) continue;
    const theirs = comparisonAt(share.writer.apiVersion, byVersion, compareAt);
    if (theirs === undefined) {
      shares.delete(key);
      continue;
    }
    const fields = share.fields.intersection(theirs.modified.union(theirs.added));
    if (!fields.isEmpty) taken.push({ share, fields });
    const left = share.fields.difference(fields).difference(theirs.removed);
    if (left.isEmpty) shares.delete(key);
    else shares.set(key, { ...share, fields: left });
  }
  return { comparison, taken };
}

function comparisonAt(
  apiVersion: string,
  known: Map<string, Comparison>,
  compareAt: (apiVersion: string) => Comparison,
): Comparison | undefined {
  const found = known.get(apiVersion) ?? unlessMissing(() => compareAt(apiVersion));
  if (found !== undefined) known.set(apiVersion, found);
  return found;
}

function filtered({ added, removed, modified }: Comparison, reset: FieldSet): Comparison {
  return { added: added.outside(reset), removed: removed.outside(reset), modified: modified.outside(reset) };
}

/** The shares without those of versions that are no more. @throws when the live object can't be shown in one. */
function reconciled({ type, versions }: Write, live: KubeObject, shares: Map<string, Share>): Map<string, Share> {
  const kept = new Map<string, Share>();
  for (const [key, share] of shares) {
    const shown = answering(() => unlessMissing(() => versions({ type, object: live }, share.writer.apiVersion)));
    if (shown !== undefined) kept.set(key, share);
  }
  return kept;
}

/** Where nobody kept track of an object, all that it has counts as there before the first apply. */
function sharesToApplyOn(write: Write, live: KubeObject | undefined): Map<string, Share> {
  const shares = liveShares(live);
  if (live === undefined || shares.size > 0) return shares;
  const writer = { ...write.writer, manager: BEFORE_FIRST_APPLY, operation: "Update" as const };
  const before = { live: emptyObject(write.type), next: withoutShares(live) };
  return afterUpdate({ ...write, writer }, before, shares);
}

function withoutShares(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

/** What goes wrong inside an apply is answered with 500 and no reason, as errors without a status are. */
function answering<T>(step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (error instanceof ApiFailure) throw error;
    throw new ApiFailure(500, "", error instanceof Error ? error.message : String(error));
  }
}
