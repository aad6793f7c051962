import { checkHealth } from "$lib/program/healthcheck.ts";
import { tlsOf } from "../settings.ts";
import { command } from "./command.ts";

/** `healthcheck`: for a container's health check, which has no shell and no curl. */
export const healthcheck = command({
  words: "healthcheck",
  help: "Ask the broker that listens at broker.listen whether it lives; ends with 1 when it does not.",
  options: [],
  async run({ settings }, parts) {
    const address = { ...settings["broker.listen"], isSecured: tlsOf(settings) !== undefined };
    return { notes: [await checkHealth(address, parts)] };
  },
});
