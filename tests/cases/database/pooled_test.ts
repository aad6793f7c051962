import assert from "node:assert/strict";
import { brokerOf } from "../../fakes/brokers.ts";
import { open } from "../../fakes/databases.ts";
import { ManualClock } from "../../fakes/manual_clock.ts";
import { recordedStatements } from "../../fakes/recorded_statements.ts";
import { startRelay } from "../../fakes/relay.ts";
import { type Pooler, startPooler } from "../../pgbouncer/pooler.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../../postgres/postgres_server.ts";
import { testWith } from "../../run/parts.ts";
import { waitFor } from "../../run/wait.ts";
import { runDatabaseCases } from "./mod.ts";

const PARTS = ["postgres", "pgbouncer"] as const;

testWith(PARTS, "PostgreSQL behind PgBouncer does what every database must do", async (test) => {
  await using behind = await startBehind();
  const [clock, statements, poolSize] = [new ManualClock(), recordedStatements(), 2];
  const database = await open(behind.address, { clock, metrics: statements.metrics, poolSize });

  await runDatabaseCases(test, { database, clock, statements, poolSize });
  await database.close();
});

testWith(
  PARTS,
  "behind PgBouncer each statement has its limits and its settings, whichever connection it gets",
  async () => {
    await using behind = await startBehind();
    await behind.server.asSuperuser((sql) =>
      sql.unsafe("alter role brokkr set DateStyle = 'German'; alter role brokkr set statement_timeout = 7000")
    );
    const database = await open(behind.address, { poolSize: 8 });

    const seen = await Promise.all(Array.from({ length: 40 }, async () => {
      const [row] = await database.sql<{ at: Date; value: string; answered: string }>`
      select timestamptz '2026-02-01 00:00:00Z' as at, current_setting('statement_timeout') as value,
        pg_sleep(0.005)::text as answered`;
      return [row?.at.toISOString(), row?.value];
    }));
    await database.close();

    assert.deepEqual(new Set(seen.map(String)), new Set(["2026-02-01T00:00:00.000Z,30s"]));
  },
);

testWith(
  PARTS,
  "a connection to PgBouncer that is cut under statements and transactions ends these, and nothing else",
  async () => {
    await using behind = await startBehind();
    await using relay = startRelay({ port: Number(new URL(behind.address.url).port) });
    const url = behind.address.url.replace(/:\d+\//, `:${relay.port}/`);
    const database = await open({ ...behind.address, url });
    const sleeping = [
      database.sql`select pg_sleep(60)`,
      database.transaction((tx) => tx`select pg_sleep(60)`),
      database.transaction(async (tx) => {
        await tx`select 1 as one`;
        await tx`select pg_sleep(60)`.catch(() => {});
      }),
    ];
    const ends = Promise.allSettled(sleeping);
    await waitFor(async () => await countSleeping(behind) === sleeping.length || undefined, { what: "have all sleep" });

    relay.cut();

    const codes = (await ends).map((end) => end.status === "rejected" ? end.reason.code : end.status);
    assert.deepEqual(codes, sleeping.map(() => "unavailable"));
    const [row] = await database.sql<{ one: number }>`select 1 as one`;
    assert.deepEqual(row, { one: 1 });
    await database.close();
  },
);

testWith(PARTS, "a broker behind PgBouncer does not start where its role means another schema", async () => {
  await using behind = await startBehind();
  const broker = brokerOf({
    env: { BROKKR__DATABASE__SCHEMA: "shop" },
    openDatabase: () => open(behind.address, { schema: "shop" }),
  });
  await broker.start();

  await assert.rejects(broker.ready, {
    code: "invalid_settings",
    message: /database\.schema is "shop", its role has "public"/,
  });
  await broker.stop();
});

async function countSleeping({ server }: Behind): Promise<number> {
  const rows = await server.asSuperuser((sql) =>
    sql`select from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active' and pid <> pg_backend_pid()`
  );
  return rows.length;
}

interface Behind extends AsyncDisposable {
  readonly server: PostgresServer;
  readonly pooler: Pooler;
  readonly address: { readonly url: string; readonly listenUrl: string; readonly dataDir: string };
}

async function startBehind(): Promise<Behind> {
  await using opening = new AsyncDisposableStack();
  const binaries = await findPostgres();
  assert.ok(binaries);
  const server = opening.use(await startPostgres(binaries, { durable: false }));
  const pooler = opening.use(await startPooler(server));
  const started = opening.move();
  const address = { url: pooler.through(server), listenUrl: server.url, dataDir: "unused" };
  return { server, pooler, address, [Symbol.asyncDispose]: () => started.disposeAsync() };
}
