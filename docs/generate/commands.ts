import { type CommandDeclaration, flagOf } from "$lib/settings.ts";
import { COMMANDS as AGENT_COMMANDS, START } from "../../agent/commands/mod.ts";
import { COMMANDS as BROKER_COMMANDS, SERVE } from "../../broker/commands/mod.ts";
import { code, GENERATED, table } from "./markdown.ts";

/** The page of what both programs can be told to do. */
export function commandsPage(): string {
  return `${GENERATED}

# Commands

For whoever runs the broker or the agent by hand, or in a script. In a checkout, use \`deno task broker\` for
\`brokkr-broker\` and \`deno task agent\` for \`brokkr-agent\`. In addition to the flags here, every [setting](settings.md)
has one; \`--help\` shows them all.

Only the result, for example a key, goes to standard output, so that \`$(…)\` captures it; everything else goes to
standard error. A command exits with 0 if it succeeded, and with 1 if not.

## Broker

${commandsTable("brokkr-broker", [SERVE, ...BROKER_COMMANDS])}

A running broker also serves its API on \`admin.sock\` in \`data_dir\`, a file of mode 0600: anyone who can open it is
admin. The commands that create and rotate keys use it if it is there, and otherwise the database from the settings.
Only one process can have the embedded database open: while a broker uses it, the socket is the only way.

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
