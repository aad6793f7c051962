import type { Sql, SqlFragment } from "$lib/database.ts";
import { Failure } from "$lib/error.ts";
import type { DeploymentObject, ObjectHead, Submission, SubmitOutcome } from "../domain/deployment_object.ts";
import { changing } from "./changes.ts";
import type { Handle } from "./handle.ts";
import {
  findIdempotencyKey,
  keepIdempotencyKey,
  purgeIdempotencyKeys,
  type SubmittedObject,
} from "./idempotency_keys.ts";
import { objectNotFound, stackNotFound } from "./missing.ts";
import type { DeploymentObjectStore } from "./mod.ts";
import { DEFAULT_LIMIT, limitClause, readCursor, toPage } from "./paging.ts";
import { traceOf } from "./traces.ts";

/** A row of the table `deployment_objects` without its body. */
export interface ObjectHeadRow {
  readonly id: string;
  readonly sequence_id: number;
  readonly stack_id: string;
  readonly size_bytes: number;
  readonly yaml_checksum: string;
  readonly submitted_at: Date;
  readonly is_deletion_marker: boolean;
  readonly body_kept: boolean;
  readonly created_at: Date;
  readonly updated_at: Date;
}

interface DeploymentObjectRow extends ObjectHeadRow {
  readonly yaml_content: string;
}

/** Bytes of bundles in one page: its reader may hold it in memory, and a bundle may have 8 MiB. */
const PAGE_MAX_BYTES = 16 * 1024 * 1024;

/** {@linkcode DeploymentObjectStore} over the table `deployment_objects`, but for single look-ups. */
export function deploymentObjectStore(handle: Handle): Omit<DeploymentObjectStore, "get"> {
  const { sql } = handle;
  return {
    submit: (submission) =>
      changing(handle, {
        scope: { stackId: submission.stackId },
        what: "object",
        trace: traceOf(submission),
        changed: ["deployment_objects"],
        isSilent: ({ isUnchanged }: SubmitOutcome) => isUnchanged,
      }, (tx) => submitOnce(tx, submission)),
    purgeKeys: (max) => purgeIdempotencyKeys(sql, max),
    async list(stackId, paging = {}) {
      const stacks = await sql`select id from stacks where id = ${stackId} and deleted_at is null`;
      if (stacks.length === 0) throw stackNotFound(stackId);
      const { limit = DEFAULT_LIMIT } = paging;
      const cursor = readCursor(paging);
      const before = cursor === undefined ? sql.fragment`` : sql.fragment`and sequence_id < ${cursor.position}`;
      const listed = sql.fragment`from deployment_objects where stack_id = ${stackId} and deleted_at is null ${before}
        order by sequence_id desc`;
      const sizes = await sql<Sized>`select octet_length(yaml_content) as bytes ${listed} limit ${limit}`;
      const fitting = { limit: howManyFit(sizes) };
      const rows = await sql<ObjectHeadRow & { position: string }>`
        select ${objectColumns(sql)}, sequence_id::text as position ${listed} ${limitClause(sql, fitting)}`;
      return toPage(rows, fitting, toObjectHead);
    },
    async bodies(ids) {
      const rows = await sql<Pick<DeploymentObjectRow, "id" | "yaml_content">>`
        select id, yaml_content from deployment_objects where id = any(${ids}::uuid[]) and body_kept`;
      return new Map(rows.map((row) => [row.id, row.yaml_content]));
    },
  };
}

/** The stack is held: of two that come at once the second sees what the first one wrote. */
async function submitOnce(tx: Sql, submission: Submission): Promise<SubmitOutcome> {
  const { stackId, idempotency } = submission;
  const before = idempotency && await findIdempotencyKey(tx, stackId, idempotency);
  if (before !== undefined) {
    mustBeSame(before, submission);
    return { object: await getObject(tx, before.id), isUnchanged: true };
  }
  const newest = await findNewest(tx, stackId);
  const isUnchanged = newest !== undefined && isSame(newest, submission);
  const object = isUnchanged ? await getObject(tx, newest.id) : await addObject(tx, submission);
  if (idempotency !== undefined) await keepIdempotencyKey(tx, { stackId, objectId: object.id, ...idempotency });
  return { object, isUnchanged };
}

/** The body is left where it is: it may be long, and tells no more than its checksum. */
async function findNewest(tx: Sql, stackId: string): Promise<SubmittedObject | undefined> {
  const [row] = await tx<SubmittedObject>`
    select id, yaml_checksum, is_deletion_marker from deployment_objects
    where stack_id = ${stackId} and deleted_at is null order by sequence_id desc limit 1`;
  return row;
}

function isSame(object: SubmittedObject, { yamlChecksum, isDeletionMarker }: Submission): boolean {
  return object.yaml_checksum === yamlChecksum && object.is_deletion_marker === isDeletionMarker;
}

function mustBeSame(object: SubmittedObject, submission: Submission): void {
  if (isSame(object, submission)) return;
  throw new Failure(
    "invalid_request_body",
    `Cannot accept the deployment object: its Idempotency-Key came before with another one, "${object.id}"`,
  );
}

async function getObject(sql: Sql, id: string): Promise<DeploymentObject> {
  const [row] = await sql<DeploymentObjectRow>`
    select ${columns(sql)} from deployment_objects where id = ${id} and deleted_at is null`;
  if (row === undefined) throw objectNotFound(id);
  return toDeploymentObject(row);
}

async function addObject(tx: Sql, submission: Submission): Promise<DeploymentObject> {
  const { stackId, yamlContent, yamlChecksum, isDeletionMarker, submittedBy, traceparent, tracestate } = submission;
  const [row] = await tx<DeploymentObjectRow>`
    insert into deployment_objects
      (stack_id, yaml_content, yaml_checksum, is_deletion_marker, submitted_by, traceparent, tracestate)
    values (
      ${stackId}, ${yamlContent}, ${yamlChecksum}, ${isDeletionMarker}, ${submittedBy ?? null}, ${traceparent ?? null},
      ${tracestate ?? null}
    )
    returning ${columns(tx)}`;
  if (row === undefined) throw stackNotFound(stackId);
  return toDeploymentObject(row);
}

interface Sized {
  readonly bytes: number;
}

/** How many of these bundles make a page: one at least, for the page after it to be another. */
function howManyFit(sizes: readonly Sized[]): number {
  let bytes = 0;
  const first = sizes.findIndex((each) => (bytes += each.bytes) > PAGE_MAX_BYTES);
  return Math.max(1, first < 0 ? sizes.length : first);
}

/** Reads a row without its body. */
export function toObjectHead(row: ObjectHeadRow): ObjectHead {
  return {
    id: row.id,
    sequenceId: row.sequence_id,
    stackId: row.stack_id,
    sizeBytes: row.size_bytes,
    yamlChecksum: row.yaml_checksum,
    submittedAt: row.submitted_at,
    isDeletionMarker: row.is_deletion_marker,
    isBodyKept: row.body_kept,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function toDeploymentObject(row: DeploymentObjectRow): DeploymentObject {
  const { sizeBytes: _sizeBytes, ...head } = toObjectHead(row);
  return { ...head, yamlContent: row.yaml_content };
}

function columns(sql: Sql): SqlFragment {
  return sql.fragment`${objectColumns(sql)}, yaml_content`;
}

/** What is read of objects without their bodies. */
export function objectColumns(sql: Sql): SqlFragment {
  return sql.fragment`id, sequence_id, stack_id, octet_length(yaml_content) as size_bytes, yaml_checksum, submitted_at,
    is_deletion_marker, body_kept, created_at, updated_at`;
}
