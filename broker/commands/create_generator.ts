import { setting, text } from "$lib/settings.ts";
import { adminCommand } from "./admin_command.ts";

/** `create generator`: its key is the answer. */
export const createGenerator = adminCommand({
  words: "create generator",
  help: "Make a generator and print its key, which is shown this once.",
  options: [
    setting({ key: "name", type: text(), required: true, help: "Its name." }),
    setting({ key: "description", type: text(), help: "What it is for." }),
  ],
  act: async (administration, { name, description }) => {
    const { id, pak } = await administration.createGenerator({ name, description });
    return { answer: pak, notes: [`generator "${name}", id ${id}`] };
  },
});
