import { setting, uuid } from "$lib/settings.ts";
import { adminCommand } from "./admin_command.ts";

/** `rotate generator`: the new key is the answer. */
export const rotateGenerator = adminCommand({
  words: "rotate generator",
  help: "Give a generator a new key and print it; the old one ends.",
  options: [setting({ key: "id", type: uuid(), required: true, help: "The generator's id." })],
  act: async (administration, { id }) => {
    const { name, pak } = await administration.rotateGenerator(id);
    return { answer: pak, notes: [`the old key of generator "${name}" has ended`] };
  },
});
