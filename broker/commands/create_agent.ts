import { boolean, list, text } from "$lib/settings/types.ts";
import { flag } from "./client/declaration.ts";
import { keyCommand } from "./key_command.ts";

/** `create agent`: its key is the answer. */
export const createAgent = keyCommand({
  words: "create agent",
  help: "Make an agent and print its key, which is shown this once.",
  arguments: [],
  options: [
    flag({ key: "name", type: text(), required: true, value: "NAME", help: "Its name." }),
    flag({
      key: "cluster_name",
      type: text(),
      required: true,
      value: "NAME",
      help: "The name of its cluster.",
    }),
    flag({
      key: "generator_ids",
      type: list(text()),
      default: "",
      value: "GENERATOR,...",
      help: "Generators that it receives from, by their names or ids.",
    }),
    flag({ key: "active", type: boolean(), default: false, help: "Let it write to its cluster from the start." }),
  ],
  examples: [{
    what: "Its key into a file that nobody else reads",
    line: "(umask 077; brokkr-broker create agent --name berlin-1 --cluster-name berlin --active > berlin-1.pak)",
  }],
  act: async (administration, { options: { name, cluster_name, generator_ids: generators, active: isActive } }) => {
    const agent = { name, cluster_name, generators };
    const { id, pak, status } = await administration.createAgent(agent, { isActive });
    return { answer: pak, notes: [`agent "${name}" of cluster "${cluster_name}", id ${id}, ${status}`] };
  },
});
