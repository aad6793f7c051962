import { setting, uuid } from "$lib/settings.ts";
import { adminCommand } from "./admin_command.ts";

/** `rotate agent`: the new key is the answer. */
export const rotateAgent = adminCommand({
  words: "rotate agent",
  help: "Give an agent a new key and print it; the old one ends.",
  options: [setting({ key: "id", type: uuid(), required: true, help: "The agent's id." })],
  act: async (administration, { id }) => ({
    answer: await administration.rotateAgent(id),
    notes: ["the agent's old key has ended"],
  }),
});
