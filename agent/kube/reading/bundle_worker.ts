import { parentPort } from "node:worker_threads";
import { BundleReading } from "$lib/bundle.ts";
import { systemClock } from "$lib/clock.ts";
import { faultLines, preparedManifest } from "./prepare.ts";

/**
 * What the worker says of a text: each manifest as JSON, for a large number does not survive the way between threads
 * otherwise; then the faults, which end it. With a fault none of the manifests counts: they are not kept here until
 * that is known, as the heap of one worker that is full ends the whole program.
 */
export type BundlePart = { readonly manifest: string } | { readonly faults: readonly string[] };

/**
 * Not as the message comes: a heap that is full then ends the worker without a word, and whoever asked waits for ever.
 */
parentPort?.on("message", (text: string) => systemClock().after(0, () => read(text)));

function read(text: string): void {
  const reading = new BundleReading(text);
  for (const manifests of reading) {
    for (const manifest of manifests) say({ manifest: JSON.stringify(preparedManifest(manifest)) });
  }
  say({ faults: faultLines(reading) });
}

function say(part: BundlePart): void {
  parentPort?.postMessage(part);
}
