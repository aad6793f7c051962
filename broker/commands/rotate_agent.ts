import { uuid } from "$lib/settings/types.ts";
import { flag } from "./client/declaration.ts";
import { keyCommand } from "./key_command.ts";

/** `rotate agent`: the new key is the answer. */
export const rotateAgent = keyCommand({
  words: "rotate agent",
  help: "Give an agent a new key and print it; the old one ends.",
  options: [flag({ key: "id", type: uuid(), required: true, value: "ID", help: "The agent's id." })],
  examples: [{
    what: "Of an agent by its name",
    line: `brokkr-broker rotate agent --id "$(brokkr-broker get agents -o json | ` +
      `jq -r '.[] | select(.name == "berlin-1") | .id')"`,
  }],
  act: async (administration, { id }) => ({
    answer: await administration.rotateAgent(id),
    notes: ["the agent's old key has ended"],
  }),
});
