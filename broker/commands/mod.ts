import type { Command } from "$lib/program/command.ts";
import type { CommandDeclaration } from "$lib/settings.ts";
import type { SETTINGS } from "../settings.ts";
import { onThisMachine } from "./on_this_machine.ts";
import { createAgent } from "./create_agent.ts";
import { createGenerator } from "./create_generator.ts";
import { generatePak } from "./generate_pak.ts";
import { healthcheck } from "./healthcheck.ts";
import { migrateDatabase } from "./migrate.ts";
import { rotateAdmin } from "./rotate_admin.ts";
import { rotateAgent } from "./rotate_agent.ts";
import { rotateGenerator } from "./rotate_generator.ts";

/** The broker's lasting work. */
export const SERVE: CommandDeclaration = {
  words: "serve",
  help: "Serve the API until told to end.",
  options: [],
};

/** What else the broker can be told to do. */
export const COMMANDS: readonly Command<typeof SETTINGS>[] = [
  onThisMachine(createAgent),
  onThisMachine(createGenerator),
  onThisMachine(rotateAdmin),
  onThisMachine(rotateAgent),
  onThisMachine(rotateGenerator),
  generatePak,
  migrateDatabase,
  healthcheck,
];
