import { type CommandDeclaration, flagOf } from "$lib/settings.ts";
import { COMMANDS as AGENT_COMMANDS, START } from "../../agent/commands/mod.ts";
import { COMMANDS as BROKER_COMMANDS, SERVE } from "../../broker/commands/mod.ts";
import { code, GENERATED, table } from "./markdown.ts";

/** The page of what both programs can be told to do. */
export function commandsPage(): string {
  return `${GENERATED}

# Commands

For whoever runs the broker or the agent by hand, or in a script. From a checkout, \`deno task broker\` stands for
\`brokkr-broker\` and \`deno task agent\` for \`brokkr-agent\`. Every [setting](settings.md) has a flag beside those named
here, and \`--help\` says all of it in a terminal.

What was asked for, a key above all, is alone on standard output, so that \`$(…)\` catches it; everything else is said on
standard error. A command ends with 0 when it was done and with 1 when it was not.

## Broker

${commandsTable("brokkr-broker", [SERVE, ...BROKER_COMMANDS])}

A running broker also serves its API on \`admin.sock\` in \`data_dir\`, a file of mode 0600: who can open it is admin. The
commands that make and rotate keys go through it where it is there, else to the database that the settings name. The
embedded database can be held by one process only: while a broker runs on it, the socket is the way.

## Agent

${commandsTable("brokkr-agent", [START, ...AGENT_COMMANDS])}

## Read next

[Rotate keys](../how-to/rotate-keys.md), the [settings](settings.md).
`;
}

function commandsTable(program: string, commands: readonly CommandDeclaration[]): string {
  return table(["Command", "Flags of its own", "Meaning"], commands.map((command) => rowOf(program, command)));
}

function rowOf(program: string, { words, help, options }: CommandDeclaration): string[] {
  const flags = options.map(({ key, help, required }) => `${code(flagOf(key))} ${help}${required ? " Required." : ""}`);
  return [code(`${program} ${words}`), flags.length === 0 ? "–" : flags.join(" "), help];
}
