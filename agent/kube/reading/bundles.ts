import { Worker } from "node:worker_threads";
import pLimit from "p-limit";
import { bundleSteps, PARSING_LIMITS } from "$lib/bundle.ts";
import type { Clock } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import { parseJson } from "$lib/json.ts";
import { LruCache } from "$lib/lru_cache.ts";
import type { BundlePart } from "./bundle_worker.ts";
import { faultLines, type PreparedBundle, type PreparedManifest, preparedManifest } from "./prepare.ts";

/** Bundles parsed before, kept by checksum while there is room: the longest unused goes first. */
export interface BundleCache {
  /** The bundle of this checksum; `load` is asked for its text only when it is not kept. */
  get(checksum: string, load: () => Promise<string>): Promise<PreparedBundle>;
}

/** What a cache of bundles needs. */
export interface BundleCacheParts {
  readonly clock: Clock;
  /** Starts a worker that says {@linkcode BundlePart}s of a text; where there is none, `bundle_worker.ts` is started. */
  readonly startWorker?: () => Worker;
}

/** Up to this length a bundle is parsed in place, with a turn for everybody else this often. */
const SMALL_CHARACTERS = 256 * 1024;
const TURN_MS = 50;

interface KeptBundle {
  readonly bundle: PreparedBundle;
  /** Of its text. */
  readonly characters: number;
}

/** A cache of bundles whose texts are `maxCharacters` long together; one that is longer alone is kept alone. */
export function createBundleCache(maxCharacters: number, parts: BundleCacheParts): BundleCache {
  const kept = new LruCache<string, KeptBundle>(maxCharacters, ({ characters }) => characters);
  /** One large bundle at a time: each may take a hundred megabytes while it is parsed. */
  const inTurn = pLimit(1);

  async function prepare(text: string): Promise<PreparedBundle> {
    if (text.length <= SMALL_CHARACTERS) return await prepareInPlace(text, parts.clock);
    return await inTurn(() => prepareInWorker(text, parts.startWorker ?? startBundleWorker));
  }

  return {
    async get(checksum, load) {
      const known = kept.find(checksum);
      if (known !== undefined) return known.bundle;
      const text = await load();
      kept.makeRoom(text.length); // before, not after: reading takes many times as much as keeping
      const bundle = await prepare(text);
      kept.keep(checksum, { bundle, characters: text.length });
      return bundle;
    },
  };
}

async function prepareInPlace(text: string, clock: Clock): Promise<PreparedBundle> {
  const [steps, manifests] = [bundleSteps(text), [] as PreparedManifest[]];
  let sinceMs = clock.monotonic();
  for (let step = steps.next();; step = steps.next()) {
    if (step.done === true) return bundleOf(manifests, faultLines(step.value));
    for (const manifest of step.value) manifests.push(preparedManifest(manifest));
    if (clock.monotonic() - sinceMs < TURN_MS) continue;
    await clock.sleep(0);
    sinceMs = clock.monotonic();
  }
}

/** A worker for this bundle alone: its memory is given back when it ends. */
async function prepareInWorker(text: string, startWorker: () => Worker): Promise<PreparedBundle> {
  const worker = startWorker();
  const manifests: PreparedManifest[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<PreparedBundle>();
  const onEnd = (cause: unknown) =>
    reject(new Failure("unavailable", "Cannot read the bundle: the worker that reads it has ended", { cause }));
  worker.on("message", (part: BundlePart) => {
    if ("faults" in part) resolve(bundleOf(manifests, part.faults));
    else manifests.push(parseJson(part.manifest) as PreparedManifest);
  });
  worker.once("error", onEnd).once("exit", onEnd);
  worker.postMessage(text);
  try {
    return await promise;
  } finally {
    await worker.terminate();
  }
}

function bundleOf(manifests: readonly PreparedManifest[], faults: readonly string[]): PreparedBundle {
  return { manifests: faults.length === 0 ? manifests : [], faults };
}

function startBundleWorker(): Worker {
  return new Worker(new URL("./bundle_worker.ts", import.meta.url), { resourceLimits: PARSING_LIMITS });
}
