import { systemClock } from "$lib/clock.ts";
import { createRegistry } from "$lib/metrics.ts";
import { disabledTracing } from "$lib/tracing.ts";
import { createBroker } from "../../broker/broker.ts";
import type { Store } from "../../broker/store/mod.ts";
import { openStore } from "../../broker/store/open.ts";
import { settingsOf } from "../fakes/brokers.ts";
import { open, postgresDatabase } from "../fakes/databases.ts";
import { silentLog } from "../fakes/silent_log.ts";
import type { Database } from "$lib/database.ts";

/** A broker that listens on this machine, over a database that a test fills. */
export interface ConsoleWorld extends AsyncDisposable {
  readonly url: string;
  readonly store: Store;
  readonly database: Database;
}

/** Starts one on PostgreSQL; `env` has more of its settings. */
export async function consoleWorld(env: Readonly<Record<string, string>> = {}): Promise<ConsoleWorld> {
  const there = await postgresDatabase();
  const [clock, log] = [systemClock(), silentLog()];
  const broker = createBroker({
    settings: settingsOf({ BROKKR__BROKER__LISTEN: "127.0.0.1:0", BROKKR__BROKER__PAK_HASH: "0".repeat(64), ...env }),
    ...{ clock, log, registry: createRegistry({ clock, log }), tracing: disabledTracing() },
    openDatabase: (metrics) => open(there.address, metrics === undefined ? {} : { metrics }),
  });
  const { port } = await broker.start();
  await broker.ready;
  return {
    url: `http://127.0.0.1:${port}`,
    store: openStore(there.database),
    database: there.database,
    async [Symbol.asyncDispose]() {
      await broker.stop();
      await there[Symbol.asyncDispose]();
    },
  };
}
