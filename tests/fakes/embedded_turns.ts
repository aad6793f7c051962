import { holdFile } from "$lib/files.ts";
import { systemClock } from "$lib/clock.ts";
import { cacheFolder } from "./cache_folder.ts";

/** An embedded database takes 300 MB or more: at most two at a time on this machine. */
const TURNS = 2;
const ASK_EVERY_MS = 50;

/** Waits until fewer than two embedded test databases are open; ends with `close`, or with the process. */
export async function takeTurn(): Promise<{ close(): void }> {
  const folder = await cacheFolder("test-databases");
  while (true) {
    for (let turn = 1; turn <= TURNS; turn++) {
      const lock = await holdFile(`${folder}/turn-${turn}.lock`);
      if (lock !== undefined) return lock;
    }
    await systemClock().sleep(ASK_EVERY_MS);
  }
}
