import type { Sql } from "$lib/database.ts";
import { sha256HexSync } from "$lib/ids.ts";
import { LruCache } from "$lib/lru_cache.ts";
import type { Report, ReportOutcome } from "../domain/delivery.ts";
import { rowVersion } from "./heard_reports.ts";

/** A report that says what was said before, and the row as that left it. */
export interface Repeat {
  readonly report: Report;
  readonly stackId: string;
  readonly version: string;
}

/** How many deliveries' last words are remembered: a few hundred bytes each. What was forgotten is looked up again. */
const REMEMBERED_MAX = 20_000;

interface Said extends Pick<Repeat, "stackId" | "version"> {
  readonly digest: string;
}

/**
 * What agents said last of how well stacks work. As long as nobody wrote the row since, who says the same again changes
 * nothing but when that was seen, and is told from others without a look at the row.
 */
export class RepeatedReports {
  readonly #said = new LruCache<string, Said>(REMEMBERED_MAX);

  /** The report as a repetition of the last one, where it is one. */
  find(report: Report): Repeat | undefined {
    if (report.health === undefined) return undefined;
    const said = this.#said.find(keyOf(report));
    if (said === undefined || said.digest !== digestOf(report)) return undefined;
    return { report, stackId: said.stackId, version: said.version };
  }

  /** Remembers a report that left no event, and whose health is what the row, in its `version`, says. */
  keep(report: Report, { event, change }: ReportOutcome, version: string | undefined): void {
    const { health } = report;
    if (version === undefined || health === undefined || event !== undefined || change === undefined) return;
    const { stackId, health: known } = change.after;
    if (known?.status !== health.status || known.reason !== health.reason) return;
    this.#said.keep(keyOf(report), { stackId, version, digest: digestOf(report) });
  }

  /** Notes the row's version after a repetition; without one, somebody else wrote it. */
  renew({ report }: Repeat, version: string | undefined): void {
    const said = this.#said.find(keyOf(report));
    if (said !== undefined && version !== undefined) this.#said.keep(keyOf(report), { ...said, version });
  }
}

function keyOf({ agentId, stackId = "", objectId = "" }: Report): string {
  return `${agentId} ${stackId} ${objectId}`;
}

/** The same for reports that differ only in when something was seen, and in their number. */
function digestOf({ seq: _seq, traceId: _traceId, health, results, ...report }: Report): string {
  const seen = results?.map(({ health_at: _at, ...result }) => result);
  return sha256HexSync(JSON.stringify([report, health?.status, health?.reason, seen]));
}

/**
 * Notes when repeated reports were heard, at most one of each agent, and gives the versions of the rows after that: not
 * of those that somebody else has written or holds, or to whose agent's last word it is none.
 */
export async function noteRepeats(sql: Sql, repeats: readonly Repeat[]): Promise<ReadonlyMap<string, string>> {
  const column = <T>(of: (report: Report) => T | undefined) => repeats.map(({ report }) => of(report) ?? null);
  const rows = await sql<{ agent_id: string; version: string }>`
    update deliveries set
      observed_at = now(),
      health_at = greatest(deliveries.health_at, least(said.health_at, now())),
      last_seq = coalesce(said.seq, deliveries.last_seq),
      updated_at = now()
    from (
      select free.id, said.health_at, said.seq
      from unnest(
        ${column(({ agentId }) => agentId)}::uuid[], ${repeats.map(({ stackId }) => stackId)}::uuid[],
        ${repeats.map(({ version }) => version)}::text[], ${
    column(({ health }) => health?.at.toISOString())
  }::timestamptz[],
        ${column(({ bootId }) => bootId)}::uuid[], ${column(({ seq }) => seq)}::bigint[]
      ) as said (agent_id, stack_id, version, health_at, boot_id, seq)
      cross join lateral (
        select id from deliveries
        where agent_id = said.agent_id and stack_id = said.stack_id and ${rowVersion(sql)} = said.version
          and (said.seq is null or last_boot_id = said.boot_id and last_seq < said.seq)
          and exists (select from agents where id = said.agent_id and deleted_at is null)
        for no key update skip locked
      ) free
    ) said
    where deliveries.id = said.id
    returning agent_id, ${rowVersion(sql)} as version`;
  return new Map(rows.map(({ agent_id, version }) => [agent_id, version]));
}
