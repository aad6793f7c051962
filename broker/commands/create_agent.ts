import { boolean, list, setting, text, uuid } from "$lib/settings.ts";
import { adminCommand } from "./admin_command.ts";

/** `create agent`: its key is the answer. */
export const createAgent = adminCommand({
  words: "create agent",
  help: "Make an agent and print its key, which is shown this once.",
  options: [
    setting({ key: "name", type: text(), required: true, help: "Its name." }),
    setting({ key: "cluster_name", type: text(), required: true, help: "The name of its cluster." }),
    setting({ key: "generator_ids", type: list(uuid()), default: "", help: "Generators that it receives from." }),
    setting({ key: "active", type: boolean(), default: false, help: "Let it write to its cluster from the start." }),
  ],
  act: async (administration, { name, cluster_name, generator_ids, active: isActive }) => {
    const agent = { name, cluster_name, generator_ids: [...generator_ids] };
    const { id, pak, status } = await administration.createAgent(agent, { isActive });
    return { answer: pak, notes: [`agent "${name}" of cluster "${cluster_name}", id ${id}, ${status}`] };
  },
});
