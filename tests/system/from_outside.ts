import type { AuditEvent } from "../cluster/control_plane.ts";
import { kubernetesResult } from "../fakes/kubernetes_result.ts";
import type { PostgresServer } from "../postgres/postgres_server.ts";

/** Counts by whatever the key says. */
export type Counts = ReadonlyMap<string, number>;

/** Counts the keys of things. */
function countBy<T>(things: Iterable<T>, keyOf: (thing: T) => string): Counts {
  const counts = new Map<string, number>();
  for (const thing of things) counts.set(keyOf(thing), (counts.get(keyOf(thing)) ?? 0) + 1);
  return counts;
}

/**
 * The agent's requests as the API server's audit log tells them: counts by `operation result`. Reads that the agent cut
 * short are among them, which it does not count itself: to be compared where it gave nothing up.
 */
export function kubernetesCounts(audit: readonly AuditEvent[]): Counts {
  const ours = audit.filter(({ userAgent }) => userAgent?.startsWith("brokkr-agent/"));
  return countBy(ours, (event) => {
    const operation = operationOf(event);
    return `${operation} ${kubernetesResult(operation, event.responseStatus?.code ?? 0)}`;
  });
}

function operationOf({ verb, requestURI }: AuditEvent): string {
  const query = new URL(requestURI, "https://api").searchParams;
  if (verb !== "patch") return verb;
  if (query.get("dryRun") === "All") return "dry_run";
  return query.get("force") === "true" ? "apply" : "patch";
}

/** Statements of the broker's own role that the server completed: counts by main verb. */
export async function statementCounts(server: PostgresServer): Promise<Counts> {
  const rows = await server.asSuperuser((sql) =>
    sql<{ query: string; calls: number }[]>`
      select query, calls::int as calls from pg_stat_statements
      where userid = ${server.user}::regrole and dbid = (select oid from pg_database where datname = ${server.database})`
  );
  const counts = new Map<string, number>();
  for (const { query, calls } of rows) {
    const verb = mainVerb(query);
    if (["select", "insert", "update", "delete"].includes(verb)) counts.set(verb, (counts.get(verb) ?? 0) + calls);
  }
  return counts;
}

/** How often the server was asked for all of the store's gauges. */
export async function gaugeReads(server: PostgresServer): Promise<number> {
  const [row] = await server.asSuperuser((sql) =>
    sql<{ calls: number }[]>`
      select coalesce(sum(calls), 0)::int as calls from pg_stat_statements
      where query like '%oldest_pending_age_seconds%' and query not like '%pg_stat_statements%'
        and dbid = (select oid from pg_database where datname = ${server.database})`
  );
  return row?.calls ?? NaN;
}

/** The first word outside of parentheses that is a verb: of `with … insert` it is insert. */
function mainVerb(query: string): string {
  let depth = 0;
  for (const [token] of query.toLowerCase().matchAll(/[()]|[a-z_]+/g)) {
    if (token === "(") depth += 1;
    else if (token === ")") depth -= 1;
    else if (depth === 0 && token !== "with") {
      if (["select", "insert", "update", "delete"].includes(token)) return token;
      if (!query.toLowerCase().trimStart().startsWith("with")) return token;
    }
  }
  return "";
}

/** The store's gauges as the rows have them. */
export async function rowCounts(server: PostgresServer): Promise<{
  readonly agents: number;
  readonly stacks: number;
  readonly objects: number;
  readonly heartbeatAge: number;
}> {
  const [row] = await server.asSuperuser(
    (sql) =>
      sql<{ agents: number; stacks: number; objects: number; age: number }[]>`
      select
        (select count(*)::int from agents join agent_heartbeats on agent_id = agents.id
          where deleted_at is null and agent_heartbeats.last_heartbeat > now() - interval '300 s') agents,
        (select count(*)::int from stacks where deleted_at is null) stacks,
        (select count(*)::int from deployment_objects where deleted_at is null) objects,
        (select extract(epoch from max(now() - agent_heartbeats.last_heartbeat))::float8
          from agents join agent_heartbeats on agent_id = agents.id
          where deleted_at is null and status = 'ACTIVE') age`,
    server.database,
  );
  if (row === undefined) throw new Error("Cannot read the rows: there is no answer");
  return { agents: row.agents, stacks: row.stacks, objects: row.objects, heartbeatAge: row.age };
}
