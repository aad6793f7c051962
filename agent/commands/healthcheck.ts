import type { Command } from "$lib/program/command.ts";
import { checkHealth } from "$lib/program/healthcheck.ts";
import type { AGENT_SETTINGS } from "../settings.ts";

/** `healthcheck`: for a container's health check, which has no shell and no curl. */
export const healthcheck: Command<typeof AGENT_SETTINGS> = {
  words: "healthcheck",
  help: "Ask the agent that listens at agent.health_address whether it lives; ends with 1 when it does not.",
  options: [],
  async run({ settings }, parts) {
    const address = { hostname: settings["agent.health_address"], port: settings["agent.health_port"] };
    return { notes: [await checkHealth(address, parts)] };
  },
};
