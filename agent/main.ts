import { systemClock } from "$lib/clock.ts";
import { messageOf } from "$lib/error.ts";
import { newId, random } from "$lib/ids.ts";
import { type Log, startLog } from "$lib/log.ts";
import { createRegistry, disabledRegistry } from "$lib/metrics.ts";
import { type Reading, readSettings } from "$lib/settings.ts";
import { VERSION } from "$lib/version.ts";
import { createAgent } from "./agent.ts";
import { AGENT_DECLARATIONS, type AGENT_SETTINGS, type AgentSettings } from "./settings.ts";

const FAILED = 1;

if (import.meta.main) Deno.exit(await main());

/** Runs the agent until it is told to stop; the exit code. */
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
    return await run(settings, log);
  } catch (error) {
    log.error("agent ended", { error });
    return FAILED;
  }
}

function readOrExplain(): Reading<typeof AGENT_SETTINGS> | undefined {
  try {
    const sources = { args: Deno.args, env: Deno.env.toObject(), readFile: Deno.readTextFileSync };
    return readSettings(AGENT_DECLARATIONS, sources);
  } catch (error) {
    console.error(messageOf(error));
    return undefined;
  }
}

/** @throws What makes the agent unable to start: no usable kubeconfig, or no address to listen on. */
async function run(settings: AgentSettings, log: Log): Promise<number> {
  surviveBugs(log);
  const clock = systemClock();
  const agent = await createAgent({
    ...{ settings, env: Deno.env.toObject(), fetch, clock, random, newId, log },
    registry: settings["metrics.enabled"] ? createRegistry({ clock, log }) : disabledRegistry(),
  });
  const ended = endingSignal();
  log.info("agent listening", { version: VERSION, ...agent.start() });
  log.info("agent stopping", { signal: await ended });
  await agent.stop();
  return 0;
}

/** A promise that a bug left to itself must not end the agent: its loops go on. */
function surviveBugs(log: Log): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("a bug was met, and survived", { error: event.reason });
  });
}

/** The first SIGTERM or SIGINT; a second one ends the program at once. */
function endingSignal(): Promise<Deno.Signal> {
  const { promise, resolve } = Promise.withResolvers<Deno.Signal>();
  let isEnding = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => {
      if (isEnding) Deno.exit(FAILED);
      isEnding = true;
      resolve(signal);
    });
  }
  return promise;
}
