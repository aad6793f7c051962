import { type CommandDeclaration, flagOf } from "$lib/settings.ts";
import { COMMANDS as AGENT_COMMANDS, START } from "../../agent/commands/mod.ts";
import { CLIENT_COMMANDS } from "../../broker/commands/client/commands.ts";
import type { ClientDeclaration, Flag } from "../../broker/commands/client/declaration.ts";
import { CONNECTION_FLAGS } from "../../broker/commands/client/flags.ts";
import { flagHelp, flagText, usageLine } from "../../broker/commands/client/help.ts";
import { COMMANDS as BROKER_COMMANDS, SERVE } from "../../broker/commands/mod.ts";
import { code, GENERATED, list, paragraph } from "./markdown.ts";

const PURPOSE =
  "The broker's program is its own command line: for a person, a script or a CI job, on any machine that " +
  "reaches the broker. What is typed wrong ends with 3. `--help` behind a command shows its flags and examples.";
const CONNECTING =
  "Without a URL, a broker on this machine is asked, through `admin.sock` in its data folder, as the admin: so " +
  "it goes in the broker's own container. A broker without TLS is asked only on this machine, or with " +
  "`--allow-insecure-broker`. Stacks and agents are named, or given by their ids; where several clusters have " +
  "an agent of one name, the id is needed. Proxies are taken from `HTTPS_PROXY` and `NO_PROXY`. Tables have " +
  "colours on a terminal where `NO_COLOR` is not set; `-o json` and `-o yaml` give what the [API](api.md) " +
  "gives.";
const WAITING =
  "While it waits, a broker that does not answer is asked again until the time is over. A submission is sent " +
  "again under the same `Idempotency-Key`, so that it is one. `blocked` for what ends by itself (an object that " +
  "is still being deleted) is waited for; so is another try, where one is due in time, of what an agent could not do before " +
  "the command began.";
const EXIT_CODES: readonly (readonly [string, string])[] = [
  ["0", "submitted or unchanged; with `--wait`, there with every agent that is to have it"],
  [
    "1",
    "it can't get there by waiting: refused by the broker, no agent is targeted, blocked, refused twice by a cluster, " +
    "another submission took its place; the causes are said",
  ],
  ["2", "the time is over, and it is not there: an agent is away, or something is not ready; the causes are said"],
  ["3", "the command line is wrong, or names a file that can't be read"],
  ["130", "interrupted"],
];
const ON_THIS_MACHINE =
  "A running broker also serves its API on `admin.sock` in `data_dir`, a file of mode 0600: anyone who can open it is " +
  "admin. The commands that create and rotate keys ask the broker of `BROKKR_URL` where that is given, else they use " +
  "the socket if it is there, and otherwise the database from the settings. Only one process can have the embedded " +
  "database open: while a broker uses it, the socket is the only way.";

/** The page of what both programs can be told to do. */
export function commandsPage(): string {
  return `${GENERATED}

# Commands

For whoever runs the broker or the agent by hand, or in a script. In a checkout, use \`deno task broker\` for
\`brokkr-broker\` and \`deno task agent\` for \`brokkr-agent\`. In addition to the flags here, every [setting](settings.md)
has one; \`--help\` shows them all, and \`--version\` which version it is.

Only the result, for example a key, goes to standard output, so that \`$(…)\` captures it; everything else goes to
standard error. A command exits with 0 if it succeeded, and with 1 if not.

## Ask a broker

${paragraph(PURPOSE)}

\`\`\`sh
export BROKKR_URL=https://broker.example BROKKR_PAK=...   # or --pak-file: a key on the command line would be seen by all
brokkr-broker apply -f deploy/ --stack shop --wait healthy
brokkr-broker explain shop
\`\`\`

${paragraph(CONNECTING)}

Flags of each command:

${list(CONNECTION_FLAGS.map(flagItem))}

${CLIENT_COMMANDS.map(clientSection).join("\n\n")}

### Exit codes of \`apply\` and \`rollback\`

${list(EXIT_CODES)}

${paragraph(WAITING)}

## Broker

${commandsText("brokkr-broker", [SERVE, ...BROKER_COMMANDS])}

${paragraph(ON_THIS_MACHINE)}

## Agent

${commandsText("brokkr-agent", [START, ...AGENT_COMMANDS])}

## Read next

[Rotate keys](../how-to/rotate-keys.md), the [settings](settings.md).
`;
}

function commandsText(program: string, commands: readonly CommandDeclaration[]): string {
  return commands.map(({ words, help, options, arguments: all = [] }) => {
    const items = [...all.map(({ name, help }) => [code(name), help] as const), ...options.map(ownFlagItem)];
    return [
      `### ${code(`${program} ${words}`)}`,
      paragraph(help),
      ...(items.length === 0 ? [] : [list(items)]),
    ].join("\n\n");
  }).join("\n\n");
}

function ownFlagItem({ key, help, required }: CommandDeclaration["options"][number]): readonly [string, string] {
  return [code(flagOf(key)), required ? `${help} Required.` : help];
}

function flagItem(flag: Flag): readonly [string, string] {
  return [code(flagText(flag)), flagHelp(flag)];
}

function clientSection(command: ClientDeclaration): string {
  const { words, help, arguments: all, options, examples } = command;
  const items = [...all.map(({ name, help }) => [code(name), help] as const), ...options.map(flagItem)];
  return [
    `### ${code(words)}`,
    code(usageLine(command)),
    paragraph(help),
    ...(items.length === 0 ? [] : [list(items)]),
    `\`\`\`sh\n${examples.map(({ what, line }) => `# ${what}\n${line}`).join("\n")}\n\`\`\``,
  ].join("\n\n");
}
