import { text } from "$lib/settings/types.ts";
import { flag } from "./client/declaration.ts";
import { keyCommand } from "./key_command.ts";

/** `create generator`: its key is the answer. */
export const createGenerator = keyCommand({
  words: "create generator",
  help: "Make a generator and print its key, which is shown this once.",
  arguments: [],
  options: [
    flag({ key: "name", type: text(), required: true, value: "NAME", help: "Its name." }),
    flag({ key: "description", type: text(), value: "TEXT", help: "What it is for." }),
  ],
  examples: [{ what: "For a team's CI jobs", line: "brokkr-broker create generator --name team" }],
  act: async (administration, { options: { name, description } }) => {
    const { id, pak } = await administration.createGenerator({ name, description });
    return { answer: pak, notes: [`generator "${name}", id ${id}`] };
  },
});
