import { Worker } from "node:worker_threads";
import { PARSING_LIMITS } from "$lib/bundle.ts";
import { Failure } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import type { BundleVerdict } from "../domain/bundle_verdict.ts";

/** What parsing in a worker needs. */
export interface ParsingWorkerParts {
  readonly log: Log;
  /** Starts a worker that answers each text with its verdict; where there is none, `bundle_worker.ts` is started. */
  readonly startWorker?: (() => Worker) | undefined;
}

/**
 * Parses one bundle at a time in a worker, which is started by the first. A worker that ends by itself is a fault of
 * ours: that is said, and the next bundle starts another.
 */
export class ParsingWorker {
  readonly #log: Log;
  readonly #startWorker: () => Worker;
  #isStopping = false;
  #worker: Worker | undefined;
  /** Ends the wait of the bundle in hand; of one that is answered it does nothing. */
  #refuse: ((failure: Failure) => void) | undefined;

  constructor({ log, startWorker = startBundleWorker }: ParsingWorkerParts) {
    this.#log = log;
    this.#startWorker = startWorker;
  }

  /** @throws {Failure} `unavailable` when it stops, or its worker ends. */
  async parse(text: string): Promise<BundleVerdict> {
    if (this.#isStopping) throw unavailable("the broker is stopping");
    const worker = this.#worker ??= this.#start();
    const { promise, resolve, reject } = Promise.withResolvers<BundleVerdict>();
    this.#refuse = reject;
    worker.once("message", resolve);
    worker.postMessage(text);
    return await promise;
  }

  /** Ends the worker, and refuses the bundle in hand. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = this.#startWorker();
    const onEnd = (cause: unknown) => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      if (!this.#isStopping) this.#log.error("the worker that parses bundles has ended", { cause: String(cause) });
      this.#refuse?.(unavailable(this.#isStopping ? "the broker is stopping" : "its worker has ended"));
    };
    return worker.once("error", onEnd).once("exit", onEnd);
  }
}

function startBundleWorker(): Worker {
  return new Worker(new URL("./bundle_worker.ts", import.meta.url), { resourceLimits: PARSING_LIMITS });
}

function unavailable(why: string): Failure {
  return new Failure("unavailable", `Cannot parse the bundle: ${why}`);
}
