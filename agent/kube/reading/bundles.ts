import { Worker } from "node:worker_threads";
import pLimit from "p-limit";
import { BundleReading, PARSING_LIMITS } from "$lib/bundle.ts";
import type { Clock } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import { parseJson } from "$lib/json.ts";
import { LruCache } from "$lib/lru_cache.ts";
import { scanText } from "$lib/yaml/scan.ts";
import type { StepAside } from "../../plan/plan.ts";
import type { BundlePart } from "./bundle_worker.ts";
import { faultLines, type PreparedBundle, type PreparedManifest, preparedManifest } from "./prepare.ts";
import { Room } from "./room.ts";

/** A bundle in memory, for whoever works with it until it is disposed of. */
export interface HeldBundle extends Disposable {
  readonly bundle: PreparedBundle;
}

/** Bundles parsed before, kept by checksum while there is room: the longest unused goes first. */
export interface BundleCache {
  /** Whether the bundle of this checksum is kept. */
  has(checksum: string): boolean;
  /**
   * The bundle of this checksum; `load` is asked for its text only when it is not kept. A large one waits until there
   * is room for it beside the large ones that others hold.
   */
  take(checksum: string, taking: Taking): Promise<HeldBundle>;
}

/** How a bundle is had. */
export interface Taking {
  readonly load: () => Promise<string>;
  /** How it waits for others that hold large ones. */
  readonly stepAside?: StepAside;
  readonly signal: AbortSignal;
}

/** What a cache of bundles needs. */
export interface BundleCacheParts {
  readonly clock: Clock;
  /**
   * Starts a worker that says {@linkcode BundlePart}s of a text; where there is none, `bundle_worker.ts` is started.
   */
  readonly startWorker?: () => Worker;
}

/** Up to this size a bundle is parsed in place, with a turn for everybody else this often. */
const SMALL = 256 * 1024;
const TURN_MS = 5;
/** What a structural mark counts for: the 600,000 that a bundle may have are as much as its 8 MiB may be. */
const CHARACTERS_A_MARK = 14;

interface KeptBundle {
  readonly bundle: PreparedBundle;
  readonly size: number;
}

/**
 * A cache of bundles that are no larger together than `maxSize`, those that somebody holds and those that are kept; one
 * that is larger alone is held or kept alone. A size is that of the text in characters, or what its marks count for.
 */
export function createBundleCache(maxSize: number, parts: BundleCacheParts): BundleCache {
  const kept = new LruCache<string, KeptBundle>(maxSize, ({ size }) => size);
  const room = new Room(maxSize);
  /** One large bundle at a time: each may take a hundred megabytes while it is parsed. */
  const inTurn = pLimit(1);

  function keep(checksum: string, one: KeptBundle): void {
    kept.makeRoom(room.used + one.size);
    kept.keep(checksum, one);
  }

  async function takeLarge(checksum: string, size: number, read: () => Promise<PreparedBundle>): Promise<HeldBundle> {
    try {
      const bundle = kept.find(checksum)?.bundle ?? await inTurn(() => {
        kept.makeRoom(room.used); // before, not after: reading takes many times as much as keeping
        return read();
      });
      const dispose = () => {
        room.leave(size);
        keep(checksum, { bundle, size });
      };
      return { bundle, [Symbol.dispose]: dispose };
    } catch (error) {
      room.leave(size);
      throw error;
    }
  }

  return {
    has: (checksum) => kept.has(checksum),
    async take(checksum, { load, stepAside = (wait) => wait(), signal }) {
      const known = kept.find(checksum);
      let text = known === undefined ? await load() : undefined;
      const size = known?.size ?? sizeOf(text ?? "");
      if (size <= SMALL) {
        const bundle = known?.bundle ?? await prepareInPlace(text ?? "", parts.clock);
        if (known === undefined) keep(checksum, { bundle, size });
        return { bundle, [Symbol.dispose]: () => {} };
      }
      if (!room.isFreeFor(size)) {
        text = undefined; // those that wait are many: it is asked for again
        await stepAside(() => room.enter(size, signal));
      } else await room.enter(size, signal);
      const start = parts.startWorker ?? startBundleWorker;
      return await takeLarge(checksum, size, async () => await prepareInWorker(text ?? await load(), start));
    },
  };
}

function sizeOf(text: string): number {
  return Math.max(text.length, scanText(text).marks * CHARACTERS_A_MARK);
}

async function prepareInPlace(text: string, clock: Clock): Promise<PreparedBundle> {
  const [reading, manifests] = [new BundleReading(text), [] as PreparedManifest[]];
  let sinceMs = clock.monotonic();
  for (const document of reading) {
    for (const manifest of document) manifests.push(preparedManifest(manifest));
    if (clock.monotonic() - sinceMs < TURN_MS) continue;
    await clock.sleep(0);
    sinceMs = clock.monotonic();
  }
  return bundleOf(manifests, faultLines(reading));
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
