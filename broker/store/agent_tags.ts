import type { Sql, Transaction } from "$lib/database.ts";
import { Failure, quoted } from "$lib/error.ts";
import type { Annotation, Label } from "../domain/targeting.ts";
import { changing } from "./changes.ts";
import type { Handle } from "./handle.ts";
import { agentNotFound } from "./missing.ts";
import type { TagStore } from "./mod.ts";
import { pageClauses, toPage } from "./paging.ts";

interface LabelRow {
  readonly id: string;
  readonly agent_id: string;
  readonly label: string;
}

interface AnnotationRow {
  readonly id: string;
  readonly agent_id: string;
  readonly key: string;
  readonly value: string;
}

/** {@linkcode TagStore} over the tables `agent_labels` and `agent_annotations`. */
export function agentTagStore(handle: Handle): TagStore {
  const { sql } = handle;
  function change<T>(agentId: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return changing(handle, { scope: { agentId }, what: "association" }, work);
  }

  return {
    addLabel: (agentId, label) =>
      change(agentId, async (tx) => {
        const [row] = await tx<LabelRow>`
          insert into agent_labels (agent_id, label)
          select id, ${label} from agents where id = ${agentId} and deleted_at is null
          returning id, agent_id, label`;
        if (row === undefined) throw agentNotFound(agentId);
        return toLabel(row);
      }),
    async listLabels(agentId, paging = {}) {
      await getAgent(sql, agentId);
      const { position, after, limit } = pageClauses(sql, paging);
      const rows = await sql<LabelRow & { position: string }>`
        select id, agent_id, label, ${position} from agent_labels
        where agent_id = ${agentId} ${after} order by created_at, id ${limit}`;
      return toPage(rows, paging, toLabel);
    },
    removeLabel: (agentId, label) =>
      change(agentId, async (tx) => {
        await getAgent(tx, agentId);
        const rows = await tx`delete from agent_labels where agent_id = ${agentId} and label = ${label} returning id`;
        if (rows.length > 0) return;
        throw new Failure(
          "agent_label_not_found",
          `Cannot remove label ${quoted(label)}: agent "${agentId}" has none such`,
        );
      }),
    addAnnotation: (agentId, { key, value }) =>
      change(agentId, async (tx) => {
        const [row] = await tx<AnnotationRow>`
          insert into agent_annotations (agent_id, key, value)
          select id, ${key}, ${value} from agents where id = ${agentId} and deleted_at is null
          returning id, agent_id, key, value`;
        if (row === undefined) throw agentNotFound(agentId);
        return toAnnotation(row);
      }),
    async listAnnotations(agentId, paging = {}) {
      await getAgent(sql, agentId);
      const { position, after, limit } = pageClauses(sql, paging);
      const rows = await sql<AnnotationRow & { position: string }>`
        select id, agent_id, key, value, ${position} from agent_annotations
        where agent_id = ${agentId} ${after} order by created_at, id ${limit}`;
      return toPage(rows, paging, toAnnotation);
    },
    removeAnnotation: (agentId, key) =>
      change(agentId, async (tx) => {
        await getAgent(tx, agentId);
        const rows = await tx`delete from agent_annotations where agent_id = ${agentId} and key = ${key} returning id`;
        if (rows.length > 0) return;
        throw new Failure(
          "agent_annotation_not_found",
          `Cannot remove annotation ${quoted(key)}: agent "${agentId}" has none such`,
        );
      }),
  };
}

async function getAgent(sql: Sql, agentId: string): Promise<void> {
  const rows = await sql`select id from agents where id = ${agentId} and deleted_at is null`;
  if (rows.length === 0) throw agentNotFound(agentId);
}

function toLabel(row: LabelRow): Label {
  return { id: row.id, ownerId: row.agent_id, label: row.label };
}

function toAnnotation(row: AnnotationRow): Annotation {
  return { id: row.id, ownerId: row.agent_id, key: row.key, value: row.value };
}
