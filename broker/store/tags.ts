import type { Sql, Transaction } from "$lib/database.ts";
import { type ErrorCode, Failure, quoted } from "$lib/error.ts";
import type { TraceHeaders } from "$lib/traceparent.ts";
import type { Annotation, Label } from "../domain/targeting.ts";
import { changing } from "./changes.ts";
import type { Handle } from "./handle.ts";
import { agentNotFound, stackNotFound } from "./missing.ts";
import type { TagStore } from "./mod.ts";
import { pageClauses, toPage } from "./paging.ts";

/** Whose tags a store keeps. */
export type TagOwner = "agent" | "stack";

interface LabelRow {
  readonly id: string;
  readonly owner_id: string;
  readonly label: string;
}

interface AnnotationRow {
  readonly id: string;
  readonly owner_id: string;
  readonly key: string;
  readonly value: string;
}

/** {@linkcode TagStore} over the tables of labels and of annotations of agents, or of stacks. */
export function tagStore(handle: Handle, owner: TagOwner): TagStore {
  const { sql } = handle;
  const { owners, labels, annotations, ownerId } = tablesOf(sql, owner);
  function change<T>(id: string, work: (tx: Transaction) => Promise<T>, trace?: TraceHeaders): Promise<T> {
    const scope = owner === "agent" ? { agentId: id } : { stackId: id };
    return changing(handle, { scope, what: "association", trace }, work);
  }

  async function mustBeThere(id: string): Promise<void> {
    const rows = await sql`select id from ${owners} where id = ${id} and deleted_at is null`;
    if (rows.length === 0) throw missing(owner, id);
  }

  return {
    addLabel: (id, label) =>
      change(id, async (tx) => {
        const [row] = await tx<LabelRow>`
          insert into ${labels} (${ownerId}, label)
          select id, ${label} from ${owners} where id = ${id} and deleted_at is null
          returning id, ${ownerId} as owner_id, label`;
        if (row === undefined) throw missing(owner, id);
        return toLabel(row);
      }),
    async listLabels(id, paging = {}) {
      await mustBeThere(id);
      const { position, after, limit } = pageClauses(sql, paging);
      const rows = await sql<LabelRow & { position: string }>`
        select id, ${ownerId} as owner_id, label, ${position} from ${labels}
        where ${ownerId} = ${id} ${after} order by created_at, id ${limit}`;
      return toPage(rows, paging, toLabel);
    },
    removeLabel: (id, label, trace) =>
      change(id, async (tx) => {
        const rows = await tx`delete from ${labels} where ${ownerId} = ${id} and label = ${label} returning id`;
        if (rows.length === 0) throw noneSuch(`${owner}_label_not_found`, `label ${quoted(label)}`, { owner, id });
      }, trace),
    addAnnotation: (id, { key, value }) =>
      change(id, async (tx) => {
        const [row] = await tx<AnnotationRow>`
          insert into ${annotations} (${ownerId}, key, value)
          select id, ${key}, ${value} from ${owners} where id = ${id} and deleted_at is null
          returning id, ${ownerId} as owner_id, key, value`;
        if (row === undefined) throw missing(owner, id);
        return toAnnotation(row);
      }),
    async listAnnotations(id, paging = {}) {
      await mustBeThere(id);
      const { position, after, limit } = pageClauses(sql, paging);
      const rows = await sql<AnnotationRow & { position: string }>`
        select id, ${ownerId} as owner_id, key, value, ${position} from ${annotations}
        where ${ownerId} = ${id} ${after} order by created_at, id ${limit}`;
      return toPage(rows, paging, toAnnotation);
    },
    removeAnnotation: (id, key, trace) =>
      change(id, async (tx) => {
        const rows = await tx`delete from ${annotations} where ${ownerId} = ${id} and key = ${key} returning id`;
        if (rows.length === 0) {
          throw noneSuch(`${owner}_annotation_not_found`, `annotation ${quoted(key)}`, { owner, id });
        }
      }, trace),
  };
}

function tablesOf({ fragment }: Sql, owner: TagOwner) {
  return owner === "agent"
    ? {
      owners: fragment`agents`,
      labels: fragment`agent_labels`,
      annotations: fragment`agent_annotations`,
      ownerId: fragment`agent_id`,
    }
    : {
      owners: fragment`stacks`,
      labels: fragment`stack_labels`,
      annotations: fragment`stack_annotations`,
      ownerId: fragment`stack_id`,
    };
}

function missing(owner: TagOwner, id: string): Failure {
  return owner === "agent" ? agentNotFound(id) : stackNotFound(id);
}

function noneSuch(code: ErrorCode, what: string, { owner, id }: { readonly owner: TagOwner; readonly id: string }) {
  return new Failure(code, `Cannot remove ${what}: ${owner} "${id}" has none such`);
}

function toLabel({ id, owner_id: ownerId, label }: LabelRow): Label {
  return { id, ownerId, label };
}

function toAnnotation({ id, owner_id: ownerId, key, value }: AnnotationRow): Annotation {
  return { id, ownerId, key, value };
}
