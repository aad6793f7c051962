import { isClientLine } from "./commands/client/command_line.ts";
import { CLIENT_COMMANDS } from "./commands/client/commands.ts";

if (import.meta.main) {
  const input = { args: Deno.args, env: Deno.env.toObject() };
  Deno.exit(
    isClientLine(input.args, { commands: CLIENT_COMMANDS, env: input.env }) ? await client(input) : await broker(input),
  );
}

/** What either is called with. */
interface Input {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Each loads nothing of the other: a client that loaded a database would start three times as slowly. */
async function client(input: Input): Promise<number> {
  const { PROXY_VARIABLES } = await import("$lib/http_client/proxy.ts");
  for (const name of PROXY_VARIABLES) Deno.env.delete(name); // Deno takes them for every client: ours knows better
  const { runClient } = await import("./commands/client/program.ts");
  return await runClient(input);
}

async function broker(input: Input): Promise<number> {
  const { runBroker } = await import("./program.ts");
  return await runBroker(input);
}
