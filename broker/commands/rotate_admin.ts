import { adminCommand } from "./admin_command.ts";

/** `rotate admin`: the new key is the answer. */
export const rotateAdmin = adminCommand({
  words: "rotate admin",
  help: "Give the admin a new key and print it; the old one ends, that of admin.pak too.",
  options: [],
  act: async (administration) => ({
    answer: await administration.rotateAdmin(),
    notes: ["the admin's old key has ended"],
  }),
});
