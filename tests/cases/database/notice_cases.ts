import assert from "node:assert/strict";
import type { Database } from "$lib/database.ts";
import { waitFor } from "../../run/wait.ts";
import type { DatabaseCase } from "./database_case.ts";

const PAYLOAD = `it's "so" \\ $1 ü`;

/** Notices: after the commit, only then, in order. */
export const noticeCases: readonly DatabaseCase[] = [
  {
    name: "a notice arrives after the commit, with its payload as it was",
    async run({ database }) {
      await using heard = await listening(database, "items");

      await database.transaction(async (tx) => {
        await tx.notify("items", PAYLOAD);
        await tx`insert into items (name) values ('a')`;
        heard.payloads.push("before the commit");
      });

      assert.deepEqual(await heard.first(2), ["before the commit", PAYLOAD]);
    },
  },
  {
    name: "a notice of a transaction that was rolled back never arrives",
    async run({ database }) {
      await using heard = await listening(database, "items");

      await database.transaction(async (tx) => {
        await tx.notify("items", "rolled back");
        throw new Error("no");
      }).catch(() => {});
      await database.transaction((tx) => tx.notify("items", "committed"));

      assert.deepEqual(await heard.first(1), ["committed"]);
    },
  },
  {
    name: "notices of one transaction arrive in order, equal ones once, and those of other channels not at all",
    async run({ database }) {
      await using heard = await listening(database, "items");

      await database.transaction(async (tx) => {
        for (const payload of ["1", "2", "1"]) await tx.notify("items", payload);
        await tx.notify("other", "3");
        await tx.notify("items", "4");
      });

      assert.deepEqual(await heard.first(3), ["1", "2", "4"]);
    },
  },
  {
    name: "notices of no transaction arrive too, each with its payload as it was",
    async run({ database }) {
      await using heard = await listening(database, "items");

      await database.notify("items", [PAYLOAD, "; drop table items", PAYLOAD + "2"]);

      assert.deepEqual(await heard.first(3), [PAYLOAD, "; drop table items", PAYLOAD + "2"]);
    },
  },
  {
    name: "listening says up to when it has heard of everything, later and later, or of all there will ever be",
    async run({ database, clock }) {
      await using heard = await listening(database, "items");
      const until = (what: string, isSo: () => boolean) =>
        waitFor(async () => {
          await clock.advance(1); // an answer has 5 s of it: a slow machine gets them
          return isSo() || undefined;
        }, { what: `hear of ${what}` });

      await until("a time", () => heard.echoes.length > 0);
      await clock.advance(500);
      await until("a later time", () => new Set(heard.echoes).size > 1 || heard.echoes.includes(Infinity));

      assert.deepEqual(heard.echoes, heard.echoes.toSorted((one, other) => one - other));
      assert.deepEqual(heard.payloads, []);
    },
  },
  {
    name: "listening says when it is up, and that it is down once it was told to stop",
    async run({ database }) {
      const heard = await listening(database, 'a channel\'s "name"');

      await heard[Symbol.asyncDispose]();

      assert.deepEqual(heard.states, [true, false]);
    },
  },
];

interface Heard extends AsyncDisposable {
  readonly payloads: string[];
  readonly states: boolean[];
  /** The times up to which everything was heard. */
  readonly echoes: number[];
  /** The first payloads, waiting for as many. */
  first(count: number): Promise<readonly string[]>;
}

/** Listens, and resolves when the connection for it is up. */
async function listening(database: Database, channel: string): Promise<Heard> {
  const [payloads, states]: [string[], boolean[]] = [[], []];
  const up = Promise.withResolvers<void>();
  const echoes: number[] = [];
  let arrived = Promise.withResolvers<void>();
  const stop = new AbortController();
  const ended = database.listen(channel, {
    onNotice(payload) {
      payloads.push(payload);
      arrived.resolve();
      arrived = Promise.withResolvers();
    },
    onEcho: (sentMs) => echoes.push(sentMs),
    onState(isUp) {
      states.push(isUp);
      up.resolve();
    },
  }, stop.signal);
  await up.promise;
  return {
    payloads,
    states,
    echoes,
    async first(count) {
      while (payloads.length < count) await arrived.promise;
      return payloads.slice(0, count);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}
