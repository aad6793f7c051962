import type { Share } from "./entries.ts";
import { FieldSet } from "./field_set.ts";
import { type FieldKind, kindOf } from "./kinds.ts";
import { during, unlessMissing, type Versioned, type Versions } from "./versions.ts";
import { fieldsOf, withNamedFields, without } from "./walks.ts";

/** An apply that is to drop what its writer applied before and leaves out now. */
export interface Pruning {
  /** The live object with the configuration laid on it. */
  readonly merged: Versioned;
  /** What the writer applied last. */
  readonly last: Share;
  /** Everybody's shares, with the writer's new one. */
  readonly shares: Iterable<Share>;
  readonly versions: Versions;
}

/** Drops what only this writer owned and leaves out now; what others own, and what nobody owned, stays. */
export function pruned(pruning: Pruning): Versioned {
  const { merged, last, shares, versions } = pruning;
  if (last.fields.isEmpty) return merged;
  const version = last.writer.apiVersion;
  const converted = converting(
    () => versions(merged, version),
    "failed to convert merged object to last applied version",
  );
  if (converted === undefined) return merged;
  const kind = kindOf(converted.type);
  const cut = { ...converted, object: without(kind, converted.object, withNamedFields(kind, last.fields)) };
  const owned = withOwnedItems({ converted, cut }, shares, versions);
  const left = withDanglingItems(converted, versions(owned, version), last);
  return versions(left, merged.object.apiVersion);
}

function withOwnedItems(
  { converted, cut }: { converted: Versioned; cut: Versioned },
  shares: Iterable<Share>,
  versions: Versions,
): Versioned {
  const byVersion = new Map<string, FieldSet>();
  for (const { writer, fields } of shares) {
    byVersion.set(writer.apiVersion, (byVersion.get(writer.apiVersion) ?? new FieldSet()).union(fields));
  }
  const first = converted.object.apiVersion;
  const inOrder = [...byVersion].sort(([a], [b]) => Number(b === first) - Number(a === first));
  let left = cut;
  for (const [version, managed] of inOrder) left = withOwnedOf(version, { converted, left, managed, versions });
  return left;
}

function withOwnedOf(
  version: string,
  parts: { converted: Versioned; left: Versioned; managed: FieldSet; versions: Versions },
): Versioned {
  const { managed, versions } = parts;
  const whole = converting(
    () => versions(parts.converted, version),
    `failed add back owned items: failed to convert merged object at version ${version}`,
  );
  const left = whole && converting(
    () => versions(parts.left, version),
    `failed add back owned items: failed to convert pruned object at version ${version}`,
  );
  if (whole === undefined || left === undefined) return parts.left;
  const kind = kindOf(whole.type);
  const named = (set: FieldSet) => withNamedFields(kind, set);
  const kept = named(fields(kind, left)).union(named(managed));
  return { ...whole, object: without(kind, whole.object, named(fields(kind, whole)).difference(kept)) };
}

/** Fields that the writer did not own before are not its to drop. */
function withDanglingItems(whole: Versioned, left: Versioned, last: Share): Versioned {
  const kind = kindOf(whole.type);
  const named = (set: FieldSet) => withNamedFields(kind, set);
  const gone = named(fields(kind, whole)).difference(named(fields(kind, left)));
  return { ...whole, object: without(kind, whole.object, gone.intersection(named(last.fields))) };
}

function fields(kind: FieldKind, { object }: Versioned): FieldSet {
  return fieldsOf(kind, object);
}

function converting(convert: () => Versioned, what: string): Versioned | undefined {
  return unlessMissing(() => during(what, convert));
}
