import assert from "node:assert/strict";
import type { Database, Transaction } from "$lib/database.ts";
import { openStore } from "../../../broker/store/open.ts";
import { postgresDatabase } from "../../fakes/databases.ts";
import { testWith } from "../../run/parts.ts";
import { waitFor } from "../../run/wait.ts";
import { StoreWorld } from "./store_world.ts";

testWith("postgres", "what is committed between any two statements of a turn is settled", async () => {
  await using postgres = await postgresDatabase();
  const { database } = postgres;
  const world = new StoreWorld(database);
  const labels = (stackId: string) => database.sql`select id from stack_labels where stack_id = ${stackId}`;

  for (let before = 1, isReached = true; isReached; before += 1) {
    isReached = false;
    const generator = await world.generator();
    const [agent, stack] = [await world.agent(generator), await world.stack(generator)];
    await world.store.agentTags.addLabel(agent.id, "on");
    let labelling: Promise<unknown> = Promise.resolve();
    const interrupted = openStore(interrupting(database, before, async () => {
      labelling = world.store.stackTags.addLabel(stack.id, "on");
      await waitFor(async () => (await labels(stack.id))[0], { what: "see the label committed" });
      isReached = true;
    }));

    const yamlChecksum = world.hash();
    const { object } = await interrupted.objects.submit({
      stackId: stack.id,
      yamlContent: "apiVersion: v1",
      yamlChecksum,
      isDeletionMarker: false,
    });
    if (!isReached) await world.store.stackTags.addLabel(stack.id, "on");
    await labelling;
    while (await world.store.settling.settleNext());

    assert.equal((await world.delivery({ agent, stack }))?.desiredObjectId, object.id, `before statement ${before}`);
    assert.ok(isReached || before > 5, "a turn has several statements");
  }
});

/**
 * A database in whose second transaction, the one that settles a submission, `work` is done before the n-th statement.
 */
function interrupting(database: Database, before: number, work: () => Promise<void>): Database {
  let transactions = 0;
  const interrupted: Database = {
    ...database,
    sql: database.sql,
    transaction: (run) => database.transaction((tx) => run(++transactions === 2 ? counting(tx, before, work) : tx)),
    share: () => interrupted,
  };
  return interrupted;
}

/**
 * Statements that are sent together run one after the other, in the order in which they were sent, as in the database.
 */
function counting(tx: Transaction, before: number, work: () => Promise<void>): Transaction {
  let statements = 0;
  let last: Promise<unknown> = Promise.resolve();
  const counted = (...[statement, ...values]: Parameters<Transaction>) => {
    const answer = last.then(async () => {
      if (++statements === before) await work();
      return await tx(statement, ...values);
    });
    last = answer.catch(() => {});
    return answer;
  };
  return Object.assign(counted, {
    fragment: tx.fragment.bind(tx),
    json: tx.json.bind(tx),
    notify: tx.notify.bind(tx),
  }) as Transaction;
}
