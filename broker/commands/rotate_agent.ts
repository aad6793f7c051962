import { AGENT } from "./client/flags.ts";
import { BY_ID, keyCommand, ownerIn } from "./key_command.ts";

const WORDS = "rotate agent";

/** `rotate agent`: the new key is the answer. */
export const rotateAgent = keyCommand({
  words: WORDS,
  help: "Give an agent a new key and print it; the old one ends.",
  arguments: [{ ...AGENT, isOptional: true }],
  options: BY_ID,
  examples: [{
    what: "Its new key into a file that nobody else reads",
    line: "(umask 077; brokkr-broker rotate agent berlin-1 > berlin-1.pak)",
  }],
  act: async (administration, asked) => {
    const { name, pak } = await administration.rotateAgent(ownerIn(asked, { words: WORDS, owner: AGENT.name }));
    return { answer: pak, notes: [`the old key of agent "${name}" has ended`] };
  },
});
