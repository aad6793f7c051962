import type { Sql, Transaction } from "$lib/database.ts";
import { Failure, quoted } from "$lib/error.ts";
import type { Annotation, Label } from "../domain/targeting.ts";
import { changing } from "./changes.ts";
import type { Handle } from "./handle.ts";
import { stackNotFound } from "./missing.ts";
import type { TagStore } from "./mod.ts";
import { pageClauses, toPage } from "./paging.ts";

interface LabelRow {
  readonly id: string;
  readonly stack_id: string;
  readonly label: string;
}

interface AnnotationRow {
  readonly id: string;
  readonly stack_id: string;
  readonly key: string;
  readonly value: string;
}

/** {@linkcode TagStore} over the tables `stack_labels` and `stack_annotations`. */
export function stackTagStore(handle: Handle): TagStore {
  const { sql } = handle;
  function change<T>(stackId: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return changing(handle, { scope: { stackId }, what: "association" }, work);
  }

  return {
    addLabel: (stackId, label) =>
      change(stackId, async (tx) => {
        const [row] = await tx<LabelRow>`
          insert into stack_labels (stack_id, label)
          select id, ${label} from stacks where id = ${stackId} and deleted_at is null
          returning id, stack_id, label`;
        if (row === undefined) throw stackNotFound(stackId);
        return toLabel(row);
      }),
    async listLabels(stackId, paging = {}) {
      await getStack(sql, stackId);
      const { position, after, limit } = pageClauses(sql, paging);
      const rows = await sql<LabelRow & { position: string }>`
        select id, stack_id, label, ${position} from stack_labels
        where stack_id = ${stackId} ${after} order by created_at, id ${limit}`;
      return toPage(rows, paging, toLabel);
    },
    removeLabel: (stackId, label) =>
      change(stackId, async (tx) => {
        const rows = await tx`delete from stack_labels where stack_id = ${stackId} and label = ${label} returning id`;
        if (rows.length > 0) return;
        throw new Failure(
          "stack_label_not_found",
          `Cannot remove label ${quoted(label)}: stack "${stackId}" has none such`,
        );
      }),
    addAnnotation: (stackId, { key, value }) =>
      change(stackId, async (tx) => {
        const [row] = await tx<AnnotationRow>`
          insert into stack_annotations (stack_id, key, value)
          select id, ${key}, ${value} from stacks where id = ${stackId} and deleted_at is null
          returning id, stack_id, key, value`;
        if (row === undefined) throw stackNotFound(stackId);
        return toAnnotation(row);
      }),
    async listAnnotations(stackId, paging = {}) {
      await getStack(sql, stackId);
      const { position, after, limit } = pageClauses(sql, paging);
      const rows = await sql<AnnotationRow & { position: string }>`
        select id, stack_id, key, value, ${position} from stack_annotations
        where stack_id = ${stackId} ${after} order by created_at, id ${limit}`;
      return toPage(rows, paging, toAnnotation);
    },
    removeAnnotation: (stackId, key) =>
      change(stackId, async (tx) => {
        const rows = await tx`delete from stack_annotations where stack_id = ${stackId} and key = ${key} returning id`;
        if (rows.length > 0) return;
        throw new Failure(
          "stack_annotation_not_found",
          `Cannot remove annotation ${quoted(key)}: stack "${stackId}" has none such`,
        );
      }),
  };
}

async function getStack(sql: Sql, stackId: string): Promise<void> {
  const rows = await sql`select id from stacks where id = ${stackId} and deleted_at is null`;
  if (rows.length === 0) throw stackNotFound(stackId);
}

function toLabel(row: LabelRow): Label {
  return { id: row.id, ownerId: row.stack_id, label: row.label };
}

function toAnnotation(row: AnnotationRow): Annotation {
  return { id: row.id, ownerId: row.stack_id, key: row.key, value: row.value };
}
