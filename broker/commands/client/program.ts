import { systemClock } from "$lib/clock.ts";
import { Failure, isFailure, messageOf } from "$lib/error.ts";
import { newId } from "$lib/ids.ts";
import { asksForHelp } from "$lib/settings/help.ts";
import { endingSignal, systemTerminal, type Terminal } from "$lib/terminal.ts";
import { brokerApi } from "./api.ts";
import { type ClientLine, commandIn, readCommandLine, wordsOf } from "./command_line.ts";
import { CLIENT_COMMANDS } from "./commands.ts";
import { type BrokerConnection, openConnection } from "./connection.ts";
import { type ClientCommand, type ClientParts, EXIT } from "./declaration.ts";
import { commandHelp, groupHelp } from "./help.ts";
import { plain } from "./text.ts";

/** What the client is called with. */
export interface ClientInput {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** What the client has of its process. */
export interface ClientSurroundings extends Omit<ClientParts, "api" | "env"> {
  readonly open: typeof openConnection;
}

/** Does what a command line of the client says; the exit code. */
export async function runClient(input: ClientInput, parts: ClientSurroundings = ofProcess()): Promise<number> {
  let command: ClientCommand | undefined;
  try {
    if (asksForHelp(input.args)) return showHelp(input.args, parts.terminal);
    const line = readCommandLine(input.args, { commands: CLIENT_COMMANDS, env: input.env });
    command = line.command;
    return await run(line, input, parts);
  } catch (error) {
    return ended(error, { command, ...parts });
  }
}

function ofProcess(): ClientSurroundings {
  return { terminal: systemTerminal(), signal: endingSignal(), clock: systemClock(), newId, open: openConnection };
}

async function run(line: ClientLine, { env }: ClientInput, { open, ...parts }: ClientSurroundings): Promise<number> {
  const act = await line.command.load();
  await using connection = line.command.isLocal ? NOWHERE : await open(line.connection, env);
  const api = brokerApi({ connection, ...parts });
  return await act(line, { api, env, ...parts });
}

/** The way of a command that asks no broker. */
const NOWHERE: BrokerConnection = {
  ...{ url: new URL("http://nowhere"), name: "nowhere" },
  fetch: () => Promise.reject(new TypeError("This command asks no broker")),
  explain: () => undefined,
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

function showHelp(args: readonly string[], { output }: Terminal): number {
  const command = commandIn(args, CLIENT_COMMANDS);
  const [word = ""] = wordsOf(args, CLIENT_COMMANDS);
  const group = CLIENT_COMMANDS.filter(({ words }) => words.startsWith(`${word} `));
  output.write(command === undefined ? groupHelp(word, group) : commandHelp(command));
  return EXIT.done;
}

interface Ending extends Pick<ClientParts, "terminal" | "signal"> {
  readonly command: ClientCommand | undefined;
}

/** Whoever reads may have seen enough: then what only shows is done, and of what does more nobody knows. */
function ended(error: unknown, { command, terminal, signal }: Ending): number {
  if (error instanceof Deno.errors.BrokenPipe) {
    return command !== undefined && command.readsOnly !== true ? EXIT.failed : EXIT.done;
  }
  if (signal.aborted) {
    terminal.notes.write("Interrupted\n");
    return EXIT.interrupted;
  }
  if (!(error instanceof Failure)) throw error;
  const lines = messageOf(error).split("\n").map(plain);
  terminal.notes.write(`${lines.join("\n")}\n`);
  return isFailure(error, "invalid_settings") ? EXIT.usage : EXIT.failed;
}
