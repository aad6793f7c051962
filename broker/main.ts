import { systemClock } from "$lib/clock.ts";
import { openDatabase } from "$lib/database.ts";
import { messageOf } from "$lib/error.ts";
import { type Log, startLog } from "$lib/log.ts";
import { createRegistry, disabledRegistry } from "$lib/metrics.ts";
import { createBroker } from "./broker.ts";
import { type BrokerSettings, readBrokerSettings } from "./settings.ts";

const FAILED = 1;

if (import.meta.main) Deno.exit(await main());

/** Runs the broker until it is told to stop; the exit code. */
async function main(): Promise<number> {
  const reading = readOrExplain();
  if (reading === undefined) return FAILED;
  const { settings, printsSettings, text } = reading;
  if (printsSettings) {
    Deno.stdout.writeSync(new TextEncoder().encode(text));
    return 0;
  }
  const log = await startLog({ level: settings["log.level"], format: settings["log.format"] });
  try {
    return await serve(settings, log);
  } catch (error) {
    log.error("broker ended", { error });
    return FAILED;
  }
}

function readOrExplain(): ReturnType<typeof readBrokerSettings> | undefined {
  try {
    return readBrokerSettings({ args: Deno.args, env: Deno.env.toObject(), readFile: Deno.readTextFileSync });
  } catch (error) {
    console.error(messageOf(error));
    return undefined;
  }
}

/** @throws What makes the broker unable to go on. */
async function serve(settings: BrokerSettings, log: Log): Promise<number> {
  surviveBugs(log);
  const clock = systemClock();
  const broker = createBroker({
    ...{ settings, clock, log },
    registry: settings["metrics.enabled"] ? createRegistry({ clock, log }) : disabledRegistry(),
    openDatabase: (metrics) =>
      openDatabase({
        url: settings["database.url"],
        schema: settings["database.schema"],
        poolSize: settings["database.pool_size"],
        dataDir: settings.data_dir,
        ...{ clock, log, metrics },
      }),
  });
  const stopped = Promise.withResolvers<void>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) Deno.addSignalListener(signal, () => stopped.resolve());
  log.info("broker listening", { ...broker.start() });
  broker.ready.then(() => log.info("broker ready"), stopped.reject);
  try {
    await stopped.promise;
    log.info("broker stopping");
    return 0;
  } finally {
    await broker.stop();
  }
}

/** A promise that a bug left to itself must not end the answers to everybody else. */
function surviveBugs(log: Log): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("promise left to itself was rejected", { error: event.reason });
  });
}
