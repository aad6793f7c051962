import assert from "node:assert/strict";
import postgres from "postgres";
import { testWith } from "../run/parts.ts";
import { type DatabaseAddress, findPostgres, type PostgresServer, startPostgres } from "./postgres_server.ts";

testWith("postgres", "startPostgres() gives an ordinary role its own database, and counts its statements", async () => {
  await using server = await startHere(false);

  const [me] = await as(
    server,
    (sql) => sql`select current_user as name, usesuper from pg_user where usename = current_user`,
  );
  await as(server, (sql) => sql`create table things as select 42 as answer`);
  const counted = await server.asSuperuser((sql) =>
    sql`select calls from pg_stat_statements where query like 'create table things%'`
  );

  assert.deepEqual({ ...me }, { name: "brokkr", usesuper: false });
  assert.equal(Number(counted[0]?.calls), 1);
});

testWith("postgres", "createDatabase() gives a fresh, empty database each time", async () => {
  await using server = await startHere(false);
  const [one, other] = [await server.createDatabase(), await server.createDatabase()];

  await as(one, (sql) => sql`create table things (id int)`);
  const tables = await as(other, (sql) => sql`select 1 from pg_tables where schemaname = 'public'`);

  assert.notEqual(one.url, other.url);
  assert.equal(tables.length, 0);
});

testWith("postgres", "stopHard() and start() lose nothing that was committed", async () => {
  await using server = await startHere(true);
  await as(server, (sql) => sql`create table things as select 42 as answer`);

  await server.stopHard();
  await assert.rejects(as(server, (sql) => sql`select 1`));
  await server.start();

  const [row] = await as(server, (sql) => sql`select answer from things`);
  assert.equal(row?.answer, 42);
});

testWith("postgres", "stop() and start() keep data and socket, and the end removes the folder", async () => {
  const server = await startHere(false);
  await as(server, (sql) => sql`create table things (id int)`);

  await server.stop();
  await server.start();
  const tables = await as(server, (sql) => sql`select 1 from pg_tables where tablename = 'things'`);
  await server[Symbol.asyncDispose]();

  assert.equal(tables.length, 1);
  await assert.rejects(Deno.stat(server.socketDir), Deno.errors.NotFound);
});

async function startHere(durable: boolean): Promise<PostgresServer> {
  const binaries = await findPostgres();
  assert.ok(binaries !== undefined);
  return await startPostgres(binaries, { durable });
}

async function as<T>(address: DatabaseAddress, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const { socketDir: host, port, user, database } = address;
  const sql = postgres({ host, port, user, database, max: 1, connect_timeout: 5 });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 1 });
  }
}
