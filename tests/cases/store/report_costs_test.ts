import assert from "node:assert/strict";
import type { Report } from "../../../broker/domain/delivery.ts";
import type { ObjectResult } from "$lib/wire/event.ts";
import { postgresDatabase } from "../../fakes/databases.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../../postgres/postgres_server.ts";
import { testWith } from "../../run/parts.ts";
import { type Linked, StoreWorld } from "./store_world.ts";

const AGENTS = 20;
const OBJECTS = 10;

/** What a database does for one report: all of it is counted, nothing is timed. */
interface Cost {
  readonly statements: number;
  readonly rows: number;
  readonly walBytes: number;
}

testWith(
  "postgres",
  "health alone costs the database a fraction of a report of what was done, and what was said before less than that",
  async () => {
    const binaries = await findPostgres();
    assert.ok(binaries);
    // Else the first write of a page after a checkpoint would log all of the page.
    await using server = await startPostgres(binaries, { durable: false });
    await using postgres = await postgresDatabase({ server });
    const world = new StoreWorld(postgres.database);
    const all: Linked[] = [];
    for (let made = 0; made < AGENTS; made += 1) all.push(await rolledOut(world));
    let seq = 0;
    const round = async (said: Said) => {
      seq += 1;
      return await costOf(server, async () => {
        for (const linked of all) await world.report(linked, reportOf(said, seq));
      });
    };

    await round({ action: "created" }); // plans and pages are made for the first ones
    for (const { stack } of all) await world.submit(stack);
    for (const { agent } of all) await world.poll(agent);
    const applied = await round({ action: "configured" });
    for (const { stack } of all) await world.submit(stack);
    for (const { agent } of all) await world.poll(agent);
    const progressing = await round({ action: "configured", health: "progressing" });
    const healthy = await round({ action: "unchanged", health: "healthy" });
    const again = await round({ action: "unchanged", health: "healthy" });

    const costs = JSON.stringify({ applied, progressing, healthy, again });
    assert.deepEqual([applied, progressing, healthy, again].map(({ statements }) => statements), [4, 4, 2, 1], costs);
    assert.deepEqual([applied, progressing, healthy, again].map(({ rows }) => rows), [2, 2, 1, 1], costs);
    assert.ok(progressing.walBytes + healthy.walBytes <= 2 * applied.walBytes, costs);
    assert.ok(again.walBytes <= 0.3 * applied.walBytes, costs);
  },
);

async function rolledOut(world: StoreWorld): Promise<Linked> {
  const linked = await world.linked();
  await world.submit(linked.stack);
  await world.poll(linked.agent);
  return linked;
}

interface Said {
  readonly action: ObjectResult["action"];
  readonly health?: NonNullable<Report["health"]>["status"];
}

const BOOT = crypto.randomUUID();

function reportOf({ action, health }: Said, seq: number): Pick<Report, "state"> & Partial<Report> {
  const at = new Date();
  const results = Array.from({ length: OBJECTS }, (_, number): ObjectResult => ({
    ...{ group: "apps", version: "v1", kind: "Deployment", namespace: "shop", name: `web-${number}`, action },
    ...(health === undefined ? {} : { health, health_at: at.toISOString() }),
  }));
  const said = { state: "applied", bootId: BOOT, seq, attempts: 1, results } as const;
  return health === undefined ? said : { ...said, health: { status: health, at } };
}

/** Of one report: statements beside begin and commit, rows that they wrote, and what they put into the log. */
async function costOf(server: PostgresServer, work: () => Promise<void>): Promise<Cost> {
  const before = await counted(server);
  await work();
  const after = await counted(server);
  const per = (of: keyof Cost) => (after[of] - before[of]) / AGENTS;
  return { statements: per("statements"), rows: per("rows"), walBytes: Math.round(per("walBytes")) };
}

/** The server's own count. */
async function counted(server: PostgresServer): Promise<Cost> {
  return await server.asSuperuser(async (sql) => {
    const [row] = await sql<Cost[]>`
      select coalesce(sum(calls), 0)::int as statements,
        coalesce(sum(rows) filter (where query ~* '^\\s*(insert|update|delete)'), 0)::int as rows,
        coalesce(sum(wal_bytes), 0)::float8 as "walBytes"
      from pg_stat_statements where userid = ${server.user}::regrole and query ~* '^\\s*(select|insert|update|delete)'`;
    if (row === undefined) throw new Error("Cannot count: there is no answer");
    return row;
  });
}
