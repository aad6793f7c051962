import { parentPort } from "node:worker_threads";
import { systemClock } from "$lib/clock.ts";
import { judgeBundle } from "../domain/bundle_verdict.ts";

/**
 * Not as the message comes: a heap that is full then ends the worker without a word, and whoever asked waits for ever.
 */
parentPort?.on("message", (text: string) => {
  systemClock().after(0, () => parentPort?.postMessage(judgeBundle(text)));
});
