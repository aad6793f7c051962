import { openDatabase } from "$lib/database.ts";
import { type ProgramParts, type RunningProgram, runProgram } from "$lib/program.ts";
import { openAdminSocket } from "./admin_socket.ts";
import { createBroker } from "./broker.ts";
import { CLIENT_COMMANDS } from "./commands/client/commands.ts";
import { COMMANDS, SERVE } from "./commands/mod.ts";
import { type BrokerSettings, DECLARATIONS } from "./settings.ts";

/** What the program is called with. */
export interface BrokerInput {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Serves, or does what else the command line says that needs the broker's own settings; the exit code. */
export async function runBroker(input: BrokerInput): Promise<number> {
  const program = { name: "broker" as const, declarations: DECLARATIONS, work: SERVE, commands: COMMANDS, start };
  return await runProgram({
    ...program,
    others: CLIENT_COMMANDS.filter(({ wantsUrl }) => wantsUrl !== true),
    ...input,
  });
}

/** The broker listens at once; a database that is not there yet is waited for. */
async function start(
  settings: BrokerSettings,
  { clock, log, registry, tracing, senders }: ProgramParts,
): Promise<RunningProgram> {
  const broker = createBroker({
    ...{ settings, clock, log, registry, tracing, senders },
    openDatabase: (metrics) =>
      openDatabase({
        url: settings["database.url"],
        listenUrl: settings["database.listen_url"],
        schema: settings["database.schema"],
        poolSize: settings["database.pool_size"],
        dataDir: settings.data_dir,
        ...{ clock, log, metrics, tracing },
      }),
  });
  log.info("broker listening", { ...await broker.start() });
  broker.ready.then(() => log.info("broker ready")).catch(() => {}); // `failed` says it
  const socket = await openAdminSocket(broker.admin, { dataDir: settings.data_dir, clock, log });
  return {
    async stop() {
      await socket?.stop();
      await broker.stop();
    },
    failed: Promise.race([broker.failed, ...(socket === undefined ? [] : [socket.failed])]),
  };
}
