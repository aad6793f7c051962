import { checkHealth } from "$lib/healthcheck.ts";
import { command } from "./command.ts";

/** `healthcheck`: for a container's health check, which has no shell and no curl. */
export const healthcheck = command({
  words: "healthcheck",
  help: "Ask the broker that listens at broker.listen whether it lives; ends with 1 when it does not.",
  options: [],
  run: async ({ settings }, parts) => ({ notes: [await checkHealth(settings["broker.listen"], parts)] }),
});
