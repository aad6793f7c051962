import { openDatabase } from "$lib/database.ts";
import { type ProgramParts, type RunningProgram, runProgram } from "$lib/program.ts";
import { createBroker } from "./broker.ts";
import { type BrokerSettings, DECLARATIONS } from "./settings.ts";

if (import.meta.main) {
  const [args, env] = [Deno.args, Deno.env.toObject()];
  Deno.exit(await runProgram({ name: "broker", declarations: DECLARATIONS, args, env, start }));
}

/** The broker listens at once; a database that is not there yet is waited for. */
function start(settings: BrokerSettings, { clock, log, registry }: ProgramParts): Promise<RunningProgram> {
  const broker = createBroker({
    ...{ settings, clock, log, registry },
    openDatabase: (metrics) =>
      openDatabase({
        url: settings["database.url"],
        schema: settings["database.schema"],
        poolSize: settings["database.pool_size"],
        dataDir: settings.data_dir,
        ...{ clock, log, metrics },
      }),
  });
  const failed = Promise.withResolvers<never>();
  log.info("broker listening", { ...broker.start() });
  broker.ready.then(() => log.info("broker ready"), failed.reject);
  return Promise.resolve({ stop: () => broker.stop(), failed: failed.promise });
}
