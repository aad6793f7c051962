import assert from "node:assert/strict";
import type { Database } from "$lib/database.ts";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import { ask, knownAdmin, startedBroker } from "../tests/fakes/brokers.ts";
import { open, postgresDatabase } from "../tests/fakes/databases.ts";
import { testWith } from "../tests/run/parts.ts";
import { waitFor } from "../tests/run/wait.ts";
import type { Broker } from "./broker.ts";

const WHO = "/api/v1/auth/pak";

testWith(
  "postgres",
  "a key ends at once where it is ended, elsewhere when that is heard, or not heard of",
  async () => {
    await using postgres = await postgresDatabase();
    const { pak: admin, env } = await knownAdmin();
    const replica = (adapt = (database: Database) => database) =>
      startedBroker({ openDatabase: async () => adapt(await open(postgres.address)), env });
    await using here = await replica();
    await using elsewhere = await replica();
    await using deaf = await replica(silent);
    const brokers = [here, elsewhere, deaf];
    const made = await post(here, "/api/v1/generators", { key: admin, body: { name: "shop" } });
    const { generator, pak } = CreateGeneratorResponse.parse(JSON.parse(made.body_text));
    const statusOf = async (broker: Broker) => (await post(broker, WHO, { key: pak })).status;
    for (const broker of brokers) assert.equal(await statusOf(broker), 200);

    await post(here, `/api/v1/generators/${generator.id}/rotate-pak`, { key: admin });

    assert.deepEqual([await statusOf(here), await statusOf(deaf)], [401, 401]);
    await waitFor(async () => await statusOf(elsewhere) === 401 ? true : undefined, {
      what: "see the key ended elsewhere",
    });
  },
);

/** A database whose listening connection is up, and carries nothing. */
function silent(database: Database): Database {
  return {
    sql: database.sql,
    transaction: (work) => database.transaction(work),
    share: (share) => database.share(share),
    longTransaction: (work) => database.longTransaction(work),
    listen: (channel, { onState }, signal) => database.listen(channel, { onNotice() {}, onState }, signal),
    notify: (channel, payloads) => database.notify(channel, payloads),
    close: () => database.close(),
  };
}

function post(broker: Broker, path: string, { key, body }: { readonly key: string; readonly body?: unknown }) {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  return ask(broker, path, { method: "POST", headers: { authorization: key }, ...sent });
}
