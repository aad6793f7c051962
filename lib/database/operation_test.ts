import assert from "node:assert/strict";
import type { SqlFragment, SqlValue } from "$lib/database.ts";
import { operations } from "./operation.ts";

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

const ID = "8a3c";
const CASES: readonly (readonly [claim: string, statement: Statement, operation: string | undefined])[] = [
  ["a select", sql`select id from stacks where id = ${ID}`, "select"],
  [
    "any case and leading space",
    sql`
    INSERT into stacks (id) values (${ID})`,
    "insert",
  ],
  ["an update", sql`update stacks set name = 'delete' where id = ${ID}`, "update"],
  ["a delete", sql`delete from stacks where id in (select id from old)`, "delete"],
  ["a parenthesised select", sql`(select 1) union (select 2)`, "select"],
  [
    "a select after comments",
    sql`-- delete
    /* update */ select 1`,
    "select",
  ],
  ["with … select", sql`with a as (select 1) select n from a`, "select"],
  ["with … insert", sql`with a as (select ${1}::int as n) insert into t (n) select n from a`, "insert"],
  ["with … update", sql`with a as (insert into t (n) values (1) returning n) update s set n = a.n from a`, "update"],
  ["with … delete", sql`with recursive a (n) as not materialized (select 1), b as (select 2) delete from t`, "delete"],
  ["a common table named as a verb", sql`with update as (select 1) insert into t select n from update`, "insert"],
  ["a parenthesis within a text", sql`with a as (select ') insert') select 1`, "select"],
  ["a quoted name", sql`with "a ) delete" as (select 1) update t set n = 1`, "update"],
  ["a dollar-quoted text", sql`with a as (select $body$ ) delete $body$) select 1`, "select"],
  ["a verb in a leading fragment", sql`${fragment`select id from stacks`} where id = ${ID}`, "select"],
  ["a verb in a fragment after with", sql`with a as (select 1) ${fragment`delete from t`}`, "delete"],
  ["a leading fragment of common tables", sql`${fragment`with a as (select 1)`} insert into t select 1`, "insert"],
  ["a transaction's start", sql`begin`, undefined],
  ["DDL", sql`create table t as select 1`, undefined],
  ["a setting", sql`set local lock_timeout = 1000`, undefined],
  ["a notice", sql`notify changes, 'select'`, undefined],
  ["a do block", sql`do $$ begin delete from t; end $$`, undefined],
  ["nothing", sql``, undefined],
];

for (const [claim, { piece, values }, operation] of CASES) {
  Deno.test(`operations() says ${operation ?? "nothing"} of ${claim}`, () => {
    const operationOf = operations();

    const found = operationOf(piece, values);

    assert.equal(found, operation);
  });
}

Deno.test("operations() looks again at a statement whose verb stands in a fragment", () => {
  const operationOf = operations();
  const statement = (base: SqlFragment) => sql`${base} where true`;

  const found = [statement(fragment`select 1`), statement(fragment`delete from t`)]
    .map(({ piece, values }) => operationOf(piece, values));

  assert.deepEqual(found, ["select", "delete"]);
});
