import { setting, uuid } from "$lib/settings.ts";
import { RotatedAgentPak } from "$lib/wire/agent.ts";
import { adminCommand } from "./admin_command.ts";

/** `rotate agent`: the new key is the answer. */
export const rotateAgent = adminCommand({
  words: "rotate agent",
  help: "Give an agent a new key and print it; the old one ends.",
  options: [setting({ key: "id", type: uuid(), required: true, help: "The agent's id." })],
  act: async (api, options) => {
    const { pak } = await api.send(RotatedAgentPak, "POST", `agents/${options.id}/rotate-pak`);
    return { answer: pak, notes: ["the agent's old key has ended"] };
  },
});
