import { uuid } from "$lib/settings/types.ts";
import { flag } from "./client/declaration.ts";
import { keyCommand } from "./key_command.ts";

/** `rotate generator`: the new key is the answer. */
export const rotateGenerator = keyCommand({
  words: "rotate generator",
  help: "Give a generator a new key and print it; the old one ends.",
  options: [flag({ key: "id", type: uuid(), required: true, value: "ID", help: "The generator's id." })],
  examples: [{
    what: "Of a generator by its name",
    line: `brokkr-broker rotate generator --id "$(brokkr-broker get generators -o json | ` +
      `jq -r '.[] | select(.name == "team") | .id')"`,
  }],
  act: async (administration, { id }) => {
    const { name, pak } = await administration.rotateGenerator(id);
    return { answer: pak, notes: [`the old key of generator "${name}" has ended`] };
  },
});
