import assert from "node:assert/strict";
import { newId } from "$lib/ids.ts";
import type { DatabaseCase } from "./database_case.ts";

const MADE_AT = new Date("2026-02-03T04:05:06.789Z");
const TEXT = `it's "quoted" \\ $1 — ü 🚀\nnext line`;

/** What goes in comes out, as the types of `SqlValue` and the doc of `Sql` say. */
export const valueCases: readonly DatabaseCase[] = [
  {
    name: "a row comes back with the values that went in",
    async run({ database: { sql } }) {
      const [id, shape] = [newId(), { a: [1, "x", null, { b: true }], text: TEXT }];

      const rows = await sql`
        insert into items (id, name, size, share, is_open, made_at, shape, tags, sizes)
        values (${id}, ${TEXT}, ${Number.MAX_SAFE_INTEGER}, ${0.25}, ${false}, ${MADE_AT}, ${sql.json(shape)},
          ${["a", "", "NULL", 'b"\\,{}']}, ${[1, -2, Number.MAX_SAFE_INTEGER]})
        returning id, name, size, share, is_open, made_at, shape, tags, sizes`;

      assert.deepEqual(Array.from(rows), [{
        id,
        name: TEXT,
        size: Number.MAX_SAFE_INTEGER,
        share: 0.25,
        is_open: false,
        made_at: MADE_AT,
        shape,
        tags: ["a", "", "NULL", 'b"\\,{}'],
        sizes: [1, -2, Number.MAX_SAFE_INTEGER],
      }]);
    },
  },
  {
    name: "null goes in and comes out as null",
    async run({ database: { sql } }) {
      const [row] = await sql`
        insert into items (name, size, made_at, shape, tags) values ('a', ${null}, ${null}, ${null}, ${null})
        returning size, made_at, shape, tags, is_open`;

      assert.deepEqual({ ...row }, { size: null, made_at: null, shape: null, tags: null, is_open: null });
    },
  },
  {
    name: "any(…) takes lists of texts, ids and numbers without a cast, empty ones too",
    async run({ database: { sql } }) {
      const [a, b] = [newId(), newId()];
      await sql`insert into items (id, name, size) values (${a}, 'a', 1), (${b}, 'b', 2)`;

      const found = await Promise.all([
        sql`select name from items where id = any(${[a, b]}) order by name`,
        sql`select name from items where name = any(${["b", 'c"']})`,
        sql`select name from items where size = any(${[1, 3]})`,
        sql`select name from items where size = any(${[2n]})`,
        sql`select name from items where id = any(${[]})`,
      ]);

      assert.deepEqual(found.map((rows) => rows.map((row) => Object.values(row)[0])), [
        ["a", "b"],
        ["b"],
        ["a"],
        ["b"],
        [],
      ]);
    },
  },
  {
    name: "unnest(…) takes lists with a cast",
    async run({ database: { sql } }) {
      const ids = [newId(), newId()];

      const rows = await sql`
        select * from unnest(${ids}::uuid[], ${["a", "b"]}::text[], ${[1, 2]}::bigint[], ${[true, null]}::boolean[])
          as t (id, name, size, is_open)`;

      assert.deepEqual(Array.from(rows), [
        { id: ids[0], name: "a", size: 1, is_open: true },
        { id: ids[1], name: "b", size: 2, is_open: null },
      ]);
    },
  },
  {
    name: "counts, sums and ages are numbers, aggregated arrays are arrays",
    async run({ database: { sql } }) {
      await sql`insert into items (name, size, made_at) values ('a', 1, now()), ('b', 2, now())`;

      const [row] = await sql`
        select count(*) as count, sum(size) as sum, extract(epoch from interval '1.5 s') as age,
          array_agg(name order by name) as names, array_agg(size order by size) as sizes,
          jsonb_agg(jsonb_build_object('name', name) order by name) as objects
        from items`;

      assert.deepEqual({ ...row }, {
        count: 2,
        sum: 3,
        age: 1.5,
        names: ["a", "b"],
        sizes: [1, 2],
        objects: [{ name: "a" }, { name: "b" }],
      });
    },
  },
  {
    name: "arrays of ids and of times come back as such",
    async run({ database: { sql } }) {
      const id = newId();

      const [row] = await sql`select array[${id}::uuid] as ids, array[${MADE_AT}::timestamptz, null] as times`;

      assert.deepEqual({ ...row }, { ids: [id], times: [MADE_AT, null] });
    },
  },
  {
    name: "a text, a list and a scalar are JSON when they are wrapped",
    async run({ database: { sql } }) {
      const values = ["text", [1, "two"], 3, true, "null"];

      const rows = await Promise.all(values.map((value) => sql`select ${sql.json(value)}::jsonb as shape`));

      assert.deepEqual(rows.map(([row]) => row && Object.values(row)[0]), values);
    },
  },
  {
    name: "fragments nest, with their values",
    async run({ database: { sql } }) {
      await sql`insert into items (name, size) values ('a', 1), ('b', 2), ('c', 3)`;
      const named = sql.fragment`name = any(${["a", "b"]})`;
      const wanted = sql.fragment`${named} and size > ${1}`;

      const rows = await sql`select name from items where ${wanted} and size < ${9}`;

      assert.deepEqual(Array.from(rows), [{ name: "b" }]);
    },
  },
  {
    name: "a megabyte of text comes back",
    async run({ database: { sql } }) {
      const name = "äb".repeat(400_000);

      const [row] = await sql<{ name: string }>`select ${name}::text as name`;

      assert.equal(row?.name === name, true);
    },
  },
];
