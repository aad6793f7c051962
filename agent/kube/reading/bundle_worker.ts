import { parentPort } from "node:worker_threads";
import { parseBundle } from "$lib/bundle.ts";
import { prepared } from "./prepare.ts";

/**
 * What the worker says of a text: each manifest as JSON, for a large number does not survive the way between threads
 * otherwise; then the faults, which end it.
 */
export type BundlePart = { readonly manifest: string } | { readonly faults: readonly string[] };

parentPort?.on("message", (text: string) => {
  const { manifests, faults } = prepared(parseBundle(text));
  for (const manifest of manifests) say({ manifest: JSON.stringify(manifest) });
  say({ faults });
});

function say(part: BundlePart): void {
  parentPort?.postMessage(part);
}
