import { ApiFailure } from "../failure.ts";
import { type Share, writerKey } from "./entries.ts";
import { type FieldSet, showPath } from "./field_set.ts";

/** Fields of another writer that an apply would change. */
export interface Taken {
  readonly share: Share;
  readonly fields: FieldSet;
}

/** 409 with a cause for each field. */
export function conflictFailure(taken: readonly Taken[]): ApiFailure {
  const conflicts = taken.toSorted((a, b) => writerKey(a.share.writer) < writerKey(b.share.writer) ? -1 : 1)
    .flatMap(({ share, fields }) => fields.paths().map((path) => ({ owner: show(share), field: showPath(path) })));
  const causes = conflicts.map(({ owner, field }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${owner}`,
    field,
  }));
  const [only] = conflicts;
  if (conflicts.length === 1 && only !== undefined) {
    const message = `Apply failed with 1 conflict: conflict with ${only.owner}: ${only.field}`;
    return new ApiFailure(409, "Conflict", message, { causes });
  }
  const owners = [...new Set(conflicts.map(({ owner }) => owner))];
  const lines = owners.flatMap((owner) => [
    `conflicts with ${owner}:`,
    ...conflicts.filter((one) => one.owner === owner).map(({ field }) => `- ${field}`),
  ]);
  const message = `Apply failed with ${conflicts.length} conflicts: ${lines.join("\n")}`;
  return new ApiFailure(409, "Conflict", message, { causes });
}

function show({ writer }: Share): string {
  const subresource = writer.subresource === undefined ? "" : ` with subresource "${writer.subresource}"`;
  const when = writer.operation === "Update" ? ` using ${writer.apiVersion}` : "";
  return `"${writer.manager}"${subresource}${when}`;
}
