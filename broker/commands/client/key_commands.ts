import { createAgent } from "../create_agent.ts";
import { createGenerator } from "../create_generator.ts";
import type { KeyCommand } from "../key_command.ts";
import { rotateAdmin } from "../rotate_admin.ts";
import { rotateAgent } from "../rotate_agent.ts";
import { rotateGenerator } from "../rotate_generator.ts";
import { type ClientCommand, clientCommand, type Flag } from "./declaration.ts";

/** Commands that make keys, asked of the broker that is named. */
export const KEY_COMMANDS: readonly ClientCommand[] = [
  fromElsewhere(createAgent),
  fromElsewhere(createGenerator),
  fromElsewhere(rotateAdmin),
  fromElsewhere(rotateAgent),
  fromElsewhere(rotateGenerator),
];

function fromElsewhere<const O extends readonly Flag[]>(command: KeyCommand<O>): ClientCommand<O> {
  const { words, help, arguments: all, options, examples } = command;
  return clientCommand({
    ...{ words, help, arguments: all, options, examples },
    wantsUrl: true,
    load: async () => (await import("./make_key.ts")).makeKey(command),
  });
}
