import type { Command } from "$lib/program/command.ts";
import type { CommandDeclaration } from "$lib/settings.ts";
import type { AGENT_SETTINGS } from "../settings.ts";
import { acceptEpoch } from "./accept_epoch.ts";
import { healthcheck } from "./healthcheck.ts";
import { takeOver } from "./take_over.ts";

/** The agent's lasting work. */
export const START: CommandDeclaration = {
  words: "start",
  help: "Bring the cluster to its desired state until told to end.",
  options: [],
};

/** What else the agent can be told to do. */
export const COMMANDS: readonly Command<typeof AGENT_SETTINGS>[] = [acceptEpoch, healthcheck, takeOver];
