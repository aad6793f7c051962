import assert from "node:assert/strict";
import type { PostgresServer } from "../../postgres/postgres_server.ts";
import { findPostgres, startPostgres } from "../../postgres/postgres_server.ts";
import { startReplicated } from "../../postgres/replicated_servers.ts";
import { open, postgresDatabase } from "../../fakes/databases.ts";
import { ManualClock } from "../../fakes/manual_clock.ts";
import { recordedStatements } from "../../fakes/recorded_statements.ts";
import { testWith } from "../../run/parts.ts";
import { waitFor } from "../../run/wait.ts";
import { runDatabaseCases } from "./mod.ts";

testWith("postgres", "PostgreSQL does what every database must do", async (test) => {
  const [clock, statements, poolSize] = [new ManualClock(), recordedStatements(), 2];
  const { metrics } = statements;
  await using postgres = await postgresDatabase({ isMigrated: false, clock, metrics, poolSize });

  await runDatabaseCases(test, { database: postgres.database, clock, statements, poolSize });
});

testWith("postgres", "the door counts exactly what pg_stat_statements counts, failed statements aside", async () => {
  await using server = await startHere();
  const statements = recordedStatements();
  await using postgres = await postgresDatabase({ server, metrics: statements.metrics, poolSize: 3 });
  const { sql, transaction } = postgres.database;

  await Promise.all(Array.from({ length: 20 }, (_, n) => sql`select ${n}::int as n`));
  await sql`insert into generators (name) values ('a')`;
  await assert.rejects(sql`insert into generators (name) values ('a')`);
  await transaction.call(postgres.database, async (tx) => {
    await tx`update generators set name = 'b' where name = 'a'`;
    await tx`with gone as (delete from generators where name = 'b' returning 1) select count(*) from gone`;
    await tx.notify("agents", "x");
  });

  const calls = await server.asSuperuser((superuser) =>
    superuser`
      select sum(calls)::int as calls, lower(substring(query from '^\\s*(select|insert|update|delete|with)')) as verb
      from pg_stat_statements join pg_roles on pg_roles.oid = userid where rolname = 'brokkr' group by verb`
  );
  const callsOf = (...verbs: string[]) =>
    calls.filter(({ verb }) => verbs.includes(verb)).reduce((sum, { calls }) => sum + calls, 0);
  const { select, insert, update } = statements.counts();
  const errors = statements.errors();
  assert.deepEqual(
    { select: callsOf("select", "with"), insert: callsOf("insert"), update: callsOf("update") },
    { select: select - errors.select, insert: insert - errors.insert, update: update - errors.update },
  );
  assert.deepEqual(errors, { select: 0, insert: 1, update: 0, delete: 0 });
});

testWith("postgres", "a door opens while its server is down, says unavailable, and works once it is up", async () => {
  await using server = await startHere();
  await server.stop();
  const database = await open({ url: server.url, dataDir: "unused" });

  const down = await database.sql`select 1 as one`.catch((error) => error.code);
  await server.start();
  const up = await database.sql`select 1 as one`;
  await database.close();

  assert.deepEqual([down, Array.from(up)], ["unavailable", [{ one: 1 }]]);
});

testWith("postgres", "a server that stops under load and starts again leaves nothing broken", async () => {
  await using server = await startHere();
  await using postgres = await postgresDatabase({ server, poolSize: 4 });
  const { database } = postgres;
  const load = new Load(async () => {
    await database.sql`select 1 as one`;
    await database.transaction(async (tx) => {
      await tx`select pg_sleep(0.01)`;
      await tx`select 1 as one`;
    });
  });
  const states: boolean[] = [];
  const stop = new AbortController();
  const heard: string[] = [];
  const listening = database.listen("items", {
    onNotice: (payload) => heard.push(payload),
    onState: (isUp) => states.push(isUp),
  }, stop.signal);
  await until("put load on the server", () => load.successes > 20 && states.length === 1);

  await server.stopHard();
  await until("see statements fail", () => load.failures.length > 20);
  await server.start();
  const before = load.successes;
  await until("see statements work again", () => load.successes > before + 20);
  await until("listen again", () => states.length === 3);
  await load.stop();
  await database.transaction((tx) => tx.notify("items", "after"));
  await until("hear a notice", () => heard.length === 1);
  stop.abort();
  await listening;

  assert.deepEqual([...new Set(load.failures)], ["unavailable"]);
  assert.deepEqual(states, [true, false, true, false]);
});

testWith("postgres", "a connection that the server ends fails its statement only", async () => {
  await using postgres = await postgresDatabase({ isMigrated: false, poolSize: 2 });
  const { database } = postgres;

  const ended = await database.sql`select pg_terminate_backend(pg_backend_pid())`.catch((error) => error.code);
  const inTransaction = await database.transaction(async (tx) => {
    await tx`select pg_terminate_backend(pg_backend_pid())`.catch(() => {});
    return await tx`select 1 as one`;
  }).catch((error) => error.code);
  const next = await database.sql`select 1 as one`;

  assert.deepEqual([ended, inTransaction, next.length], ["unavailable", "unavailable", 1]);
});

testWith(
  "postgres",
  "of several servers the primary is used, and what a standby says replaces the connection",
  async () => {
    const binaries = await findPostgres();
    assert.ok(binaries);
    await using servers = await startReplicated(binaries);
    const database = await open({ url: servers.url, dataDir: "unused" }, { poolSize: 1 });
    const write = () => database.sql`create table if not exists written ()`.then(() => "written", ({ code }) => code);
    const backend = async () => (await database.sql<{ pid: number }>`select pg_backend_pid() as pid`)[0]?.pid;

    const [first, before] = [await write(), await backend()];
    const readOnly = await database.transaction(async (tx) => {
      await tx`set transaction read only`;
      await tx`create table never ()`;
    }).catch(({ code }) => code);
    const replaced = await backend();
    await servers.killPrimary();
    const without = await write();
    await servers.promote();
    const after = await write();
    await database.close();

    assert.deepEqual([first, readOnly, without, after], ["written", "unavailable", "unavailable", "written"]);
    assert.notEqual(replaced, before);
  },
);

testWith("postgres", "a server that refuses after it broke a connection is heard at once", async () => {
  await using server = await startHere();
  await using postgres = await postgresDatabase({ server, isMigrated: false, poolSize: 1 });
  const { sql } = postgres.database;
  await sql`select 1 as one`;
  await server.asSuperuser((superuser) => superuser`alter role brokkr nologin`);
  await assert.rejects(sql`select pg_terminate_backend(pg_backend_pid())`, { code: "unavailable" });

  const refusal = await sql`select 1 as one`.then(() => undefined, (error) => error);
  await server.asSuperuser((superuser) => superuser`alter role brokkr login`);
  const next = await sql`select 1 as one`;

  assert.match(refusal?.message, /refuses the user/);
  assert.equal(next.length, 1);
});

testWith("postgres", "a connection that goes silent is given up after 40 s", async () => {
  const clock = new ManualClock();
  await using postgres = await postgresDatabase({ isMigrated: false, poolSize: 1, clock });
  const { sql } = postgres.database;
  const [backend] = await sql<{ pid: number }>`select pg_backend_pid() as pid`;
  assert.ok(backend !== undefined);
  Deno.kill(backend.pid, "SIGSTOP");

  const outcome = sql`select 1 as one`.then(() => "answered", (error) => error.code);
  await clock.advance(39_999);
  const early = await Promise.race([outcome, "waiting"]);
  await clock.advance(1);
  const late = await outcome;
  const next = await sql`select 1 as one`;
  Deno.kill(backend.pid, "SIGCONT");

  assert.deepEqual([early, late, next.length], ["waiting", "unavailable", 1]);
});

for (const [word, stopsInside] of [["begin", false], ["commit", true]] as const) {
  testWith("postgres", `a connection that goes silent at ${word} is given up after 40 s`, async () => {
    const clock = new ManualClock();
    await using postgres = await postgresDatabase({ isMigrated: false, poolSize: 1, clock });
    const { database } = postgres;
    const [backend] = await database.sql<{ pid: number }>`select pg_backend_pid() as pid`;
    assert.ok(backend !== undefined);
    const worked = Promise.withResolvers<void>();
    if (!stopsInside) Deno.kill(backend.pid, "SIGSTOP");

    const outcome = database.transaction(async (tx) => {
      await tx`select 1 as one`;
      Deno.kill(backend.pid, "SIGSTOP");
      worked.resolve();
    }).then(() => "answered", (error) => error.code);
    if (stopsInside) await worked.promise;
    await clock.settle();
    await clock.advance(40_000);
    const answers: unknown[] = [];
    outcome.then((answer) => answers.push(answer));
    const late = await waitFor(() => Promise.resolve(answers[0]), { what: "hear of the transaction" });
    const next = await database.sql`select 1 as one`;
    Deno.kill(backend.pid, "SIGCONT");

    assert.deepEqual([late, next.length], ["unavailable", 1]);
  });
}

testWith("postgres", "open connections are those that the server knows, the listening one too", async () => {
  await using server = await startHere();
  const statements = recordedStatements();
  await using postgres = await postgresDatabase({
    server,
    isMigrated: false,
    poolSize: 3,
    metrics: statements.metrics,
  });
  const { database } = postgres;
  const stop = new AbortController();
  const { promise: isUp, resolve: setUp } = Promise.withResolvers<void>();
  const listening = database.listen("items", { onNotice() {}, onState: () => setUp() }, stop.signal);
  await isUp;
  const atWork = async () => {
    await Promise.all([1, 2, 3].map(() => database.sql`select pg_sleep(0.05)`));
    return [statements.connections().open, await connectionsOf(server)];
  };

  const comesTo = (count: number) =>
    waitFor(async () => {
      assert.deepEqual(await atWork(), [count, count]);
      return true;
    }, { what: `see ${count} connections` }); // those that have ended are there a moment longer

  await comesTo(4);
  stop.abort();
  await listening;
  await database.sql`select pg_terminate_backend(pg_backend_pid())`.catch(() => {});
  await comesTo(3);
  await database.close();
  await until("see the connections end", () => statements.connections().open === 0);
});

testWith("postgres", "unqualified names mean the schema that the door was opened with", async () => {
  await using server = await startHere();
  const database = await open({ url: server.url, dataDir: "unused" }, { schema: `brokkr "x"` });

  await database.sql`create schema "brokkr ""x"""`;
  await database.sql`create table here (n int)`;

  const rows = await database.sql`select schemaname from pg_tables where tablename = 'here'`;
  await database.close();
  assert.deepEqual(Array.from(rows), [{ schemaname: `brokkr "x"` }]);
});

testWith("postgres", "a database that is not there is unavailable, and no message shows the URL", async () => {
  await using server = await startHere();
  const url = server.url.replace("brokkr@", "brokkr:hidden-word@").replace("/brokkr?", "/nothing?");
  const database = await open({ url, dataDir: "unused" });

  const error = await database.sql`select 1`.then(() => undefined, (error) => error);
  await database.close();

  assert.equal(error.code, "unavailable");
  assert.doesNotMatch(Deno.inspect(error), /hidden-word/);
});

/** The same work on eight strands, again and again. */
class Load {
  successes = 0;
  readonly failures: unknown[] = [];
  readonly #strands: Promise<void>[];
  #isOver = false;

  constructor(work: () => Promise<void>) {
    this.#strands = Array.from({ length: 8 }, () => this.#repeat(work));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#strands);
  }

  async #repeat(work: () => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      await work().then(() => this.successes += 1, (error) => this.failures.push(error.code ?? error));
    }
  }
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  await waitFor(() => Promise.resolve(isSo() || undefined), { what });
}

async function connectionsOf(server: PostgresServer): Promise<number> {
  const [row] = await server.asSuperuser((sql) =>
    sql<{ count: number }[]>`select count(*)::int from pg_stat_activity where usename = 'brokkr'`
  );
  return row?.count ?? -1;
}

async function startHere(): Promise<PostgresServer> {
  const binaries = await findPostgres();
  assert.ok(binaries !== undefined);
  return await startPostgres(binaries, { durable: false });
}
