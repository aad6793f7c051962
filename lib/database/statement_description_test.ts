import assert from "node:assert/strict";
import type { SqlFragment, SqlValue } from "$lib/database.ts";
import { describeStatement } from "./statement_description.ts";

interface Statement {
  readonly piece: TemplateStringsArray;
  readonly values: readonly SqlValue[];
}

function sql(piece: TemplateStringsArray, ...values: SqlValue[]): Statement {
  return { piece, values };
}

function fragment(piece: TemplateStringsArray, ...values: SqlValue[]): SqlFragment {
  return { fragment: true, piece, values };
}

const ID = "a secret value";
const CASES: readonly (readonly [statement: Statement, operation: string, tables: readonly string[]])[] = [
  [sql`select id from stacks where id = ${ID}`, "SELECT", ["stacks"]],
  [sql`insert into stacks (id) values (${ID}) on conflict do update set id = ${ID}`, "INSERT", ["stacks"]],
  [sql`update agents set revision = revision + 1`, "UPDATE", ["agents"]],
  [sql`delete from only agents where name is distinct from other`, "DELETE", ["agents"]],
  [sql`select id from "odd name" for no key update`, "SELECT", ["odd name"]],
  [sql`select a.id from agents a join stacks as s on s.id = a.id, targets where f(a, b)`, "SELECT", [
    ...["agents", "stacks", "targets"],
  ]],
  [sql`select extract(epoch from submitted_at) from deployment_objects for update`, "SELECT", ["deployment_objects"]],
  [sql`select a, b from stacks where a in (b, c) group by a, b order by created_at, id limit 1`, "SELECT", ["stacks"]],
  [sql`update stacks set a = 1, b = 2 from agents returning a, b`, "UPDATE", ["stacks", "agents"]],
  [sql`select n from unnest(${[1]}::int[]) as given (n, m), stacks`, "SELECT", ["stacks"]],
  [sql`select n from stacks cross join lateral unnest(stacks.before) as x (y)`, "SELECT", ["stacks"]],
  [
    sql`with a as (select id from agents), b as materialized (select 1 from a, c) insert into d (id) select id from b`,
    "INSERT",
    ["agents", "c", "d"],
  ],
  [sql`select id from (select id from agents where x in (select y from targets)) inner_one`, "SELECT", [
    ...["agents", "targets"],
  ]],
  [sql`${fragment`with old as (delete from t where id = ${ID} returning id)`} select count(*) from old`, "SELECT", [
    "t",
  ]],
  [sql`select pg_advisory_xact_lock(hashtext(current_schema()))`, "SELECT", []],
  [sql`set local lock_timeout = 1000`, "SET", []],
];

for (const [{ piece, values }, operation, tables] of CASES) {
  const summary = [operation, ...tables].join(" ");
  Deno.test(`describeStatement() says ${summary} of ${piece.join("$")}`, () => {
    const { name, attributes } = describeStatement(piece, values);

    assert.equal(name, summary);
    assert.deepEqual([
      attributes["db.operation.name"],
      attributes["db.collection.name"],
      attributes["db.query.summary"],
    ], [
      ...[operation, tables.length === 1 ? tables[0] : undefined, tables.length > 1 ? summary : undefined],
    ]);
    assert.ok(!JSON.stringify(attributes).includes(ID));
  });
}

Deno.test("describeStatement() numbers the values of fragments too, and leaves out what indents the text", () => {
  const { piece, values } = sql`
    select id from stacks
      where id = ${ID} and ${fragment`name = ${ID}`}

      limit ${1}`;

  assert.equal(
    describeStatement(piece, values).attributes["db.query.text"],
    "select id from stacks\nwhere id = $1 and name = $2\nlimit $3",
  );
});
