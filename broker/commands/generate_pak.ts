import { mintPak } from "../domain/pak.ts";
import { command } from "./command.ts";

/** `generate-pak`: a key that nobody has yet; its hash, which is no secret, is what the broker is told. */
export const generatePak = command({
  words: "generate-pak",
  help: "Print a new key, and its hash for broker.pak_hash; stores nothing.",
  options: [],
  run: async () => {
    const { pak, hash } = await mintPak();
    return { answer: pak, notes: [`broker.pak_hash = ${hash}`] };
  },
});
