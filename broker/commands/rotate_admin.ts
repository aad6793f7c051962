import { keyCommand } from "./key_command.ts";

/** `rotate admin`: the new key is the answer. */
export const rotateAdmin = keyCommand({
  words: "rotate admin",
  help: "Give the admin a new key and print it; the old one ends, that of admin.pak too.",
  ...{ arguments: [], options: [] },
  examples: [{
    what: "From here on with the new one",
    line: "NEW=$(brokkr-broker rotate admin) && export BROKKR_PAK=$NEW",
  }],
  act: async (administration) => ({
    answer: await administration.rotateAdmin(),
    notes: ["the admin's old key has ended"],
  }),
});
