import { ApiFailure } from "./failure.ts";
import { fromFieldsV1, leavesOf, type Path, SEPARATOR, showPath, toFieldsV1 } from "./fields.ts";
import { type Json, sameJson } from "./json.ts";
import { mergeInto, withoutPaths } from "./merge.ts";
import { type KubeObject, type ManagedFields, timestamp } from "./objects.ts";
import { apiVersionOf, type ResourceType } from "./resources.ts";

/** Who writes, as `managedFields` tells them apart. */
export interface Writer {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly subresource?: string;
}

interface Share {
  readonly entry: Omit<ManagedFields, "fieldsV1">;
  readonly paths: Set<Path>;
}

/** The object that an apply makes of the live one, with its new ownership. */
export function applied(
  type: ResourceType,
  change: { live: KubeObject | undefined; config: KubeObject; writer: Writer; force: boolean },
): KubeObject {
  const { live, config, writer } = change;
  const wanted = leavesOf(type, config);
  const shares = readShares(live);
  const mine = shares.find((share) => isOf(share, writer));
  const others = shares.filter((share) => share !== mine);
  const taken = live === undefined ? [] : conflicts(leavesOf(type, live), wanted, others);
  if (taken.length > 0 && !change.force) throw conflictFailure(taken);
  for (const { path } of taken) for (const share of others) share.paths.delete(path);

  const gone = leftOut(mine?.paths ?? new Set(), new Set(wanted.keys()), others);
  const merged = withoutPaths(type, mergeInto(live ?? config, config, { type, isPatch: false }), gone);
  return withShares(merged, live, [...others, { entry: entryOf(type, writer), paths: new Set(wanted.keys()) }]);
}

/** The object after a plain write: what changed now belongs to the writer, what went belongs to nobody. */
export function updated(
  type: ResourceType,
  change: { live: KubeObject | undefined; next: KubeObject; writer: Writer },
): KubeObject {
  const { live, next, writer } = change;
  const before = live === undefined ? new Map<Path, Json>() : leavesOf(type, live);
  const after = leavesOf(type, next);
  const written = [...after].filter(([path, value]) => !sameJson(value, before.get(path))).map(([path]) => path);
  const shares = readShares(live);
  for (const share of shares) {
    for (const path of share.paths) if (!hasPath(after, path)) share.paths.delete(path);
    if (!isOf(share, writer)) { for (const path of written) share.paths.delete(path); }
  }
  const mine = shares.find((share) => isOf(share, writer)) ?? { entry: entryOf(type, writer), paths: new Set<Path>() };
  for (const path of written) mine.paths.add(path);
  return withShares(next, live, [...shares.filter((share) => share !== mine), mine]);
}

interface Taken {
  readonly path: Path;
  readonly owner: Share;
}

function conflicts(live: Map<Path, Json>, wanted: Map<Path, Json>, others: readonly Share[]): Taken[] {
  const differing = [...wanted].filter(([path, value]) => !sameJson(value, live.get(path)));
  return others.flatMap((owner) =>
    differing.map(([path]) => path).filter((path) => owner.paths.has(path)).sort().map((path) => ({ path, owner }))
  );
}

/** What the manager applied before and leaves out now, and nobody else owns. */
function leftOut(before: Set<Path>, now: Set<Path>, others: readonly Share[]): Path[] {
  const owned = others.flatMap((share) => [...share.paths]);
  return [...before.difference(now)].filter((path) => {
    const inside = path.endsWith(`${SEPARATOR}.`) ? path.slice(0, -1) : `${path}${SEPARATOR}`;
    const isKept = (other: Path) => other === path || other.startsWith(inside);
    return !owned.some(isKept) && ![...now].some(isKept);
  });
}

function conflictFailure(taken: readonly Taken[]): ApiFailure {
  const owners = [...new Set(taken.map(({ owner }) => owner))];
  const causes = taken.map(({ path, owner }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${showOwner(owner)}`,
    field: showPath(path),
  }));
  const lines = owners.map((owner) => {
    const paths = taken.filter((one) => one.owner === owner).map(({ path }) => showPath(path));
    if (paths.length === 1 && owners.length === 1) return `conflict with ${showOwner(owner)}: ${paths.join()}`;
    return `conflicts with ${showOwner(owner)}:\n${paths.map((path) => `- ${path}`).join("\n")}`;
  });
  const count = `${taken.length} conflict${taken.length === 1 ? "" : "s"}`;
  return new ApiFailure(409, "Conflict", `Apply failed with ${count}: ${lines.join("\n")}`, { causes });
}

function showOwner({ entry }: Share): string {
  const subresource = entry.subresource === undefined ? "" : ` with subresource "${entry.subresource}"`;
  const when = entry.operation === "Update" ? ` using ${entry.apiVersion}` : "";
  return `"${entry.manager}"${subresource}${when}`;
}

function readShares(object: KubeObject | undefined): Share[] {
  return (object?.metadata.managedFields ?? []).map(({ fieldsV1, ...entry }) => ({
    entry,
    paths: fromFieldsV1(fieldsV1),
  }));
}

function withShares(object: KubeObject, live: KubeObject | undefined, shares: readonly Share[]): KubeObject {
  const before = live?.metadata.managedFields ?? [];
  const managedFields = shares.filter((share) => share.paths.size > 0).map((share): ManagedFields => {
    const fieldsV1 = toFieldsV1(share.paths);
    const same = before.find((old) => isOf(share, old) && sameJson(old.fieldsV1, fieldsV1));
    return same ?? { ...share.entry, time: timestamp(), fieldsV1 };
  });
  const isUnchanged = managedFields.length === before.length && before.every((entry) => managedFields.includes(entry));
  return { ...object, metadata: { ...object.metadata, managedFields: isUnchanged ? before : managedFields } };
}

function isOf({ entry }: Share, writer: Writer): boolean {
  return entry.manager === writer.manager && entry.operation === writer.operation &&
    entry.subresource === writer.subresource;
}

function entryOf(type: ResourceType, writer: Writer): Share["entry"] {
  const { subresource, ...who } = writer;
  const entry = { ...who, apiVersion: apiVersionOf(type), time: timestamp(), fieldsType: "FieldsV1" as const };
  return subresource === undefined ? entry : { ...entry, subresource };
}

/** Whether the path, or something below it, is still there. */
function hasPath(leaves: Map<Path, unknown>, path: Path): boolean {
  if (leaves.has(path)) return true;
  for (const other of leaves.keys()) if (other.startsWith(`${path}${SEPARATOR}`)) return true;
  return false;
}
