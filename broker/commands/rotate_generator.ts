import { GENERATOR } from "./client/flags.ts";
import { BY_ID, keyCommand, ownerIn } from "./key_command.ts";

const WORDS = "rotate generator";

/** `rotate generator`: the new key is the answer. */
export const rotateGenerator = keyCommand({
  words: WORDS,
  help: "Give a generator a new key and print it; the old one ends.",
  arguments: [{ ...GENERATOR, isOptional: true }],
  options: BY_ID,
  examples: [{ what: "A team's, by the admin or with its own key", line: "brokkr-broker rotate generator team" }],
  act: async (administration, asked) => {
    const { name, pak } = await administration.rotateGenerator(ownerIn(asked, { words: WORDS, owner: GENERATOR.name }));
    return { answer: pak, notes: [`the old key of generator "${name}" has ended`] };
  },
});
