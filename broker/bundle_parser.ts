import { Worker } from "node:worker_threads";
import { Failure } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import { BoundExceeded } from "./domain/bounds.ts";
import { type BundleVerdict, judgeBundle } from "./domain/bundle_verdict.ts";

/** What parsing needs. */
export interface BundleParserParts {
  readonly log: Log;
  /** Starts a worker that answers each text with its verdict; where there is none, `bundle_worker.ts` is started. */
  readonly startWorker?: () => Worker;
}

/** Up to this length a bundle is parsed in place, in some milliseconds: it need not wait behind a large one. */
const SMALL_CHARACTERS = 4 * 1024;
/** What may wait for the worker in all before the next is refused: memory, which every caller shares. */
const WAITING_MAX_CHARACTERS = 32 * 1024 * 1024;

/**
 * Parses bundles one after the other in a worker, so that requests are answered meanwhile. The worker is started by the
 * first bundle that is not small. How long one takes is nobody's fault: its work is bounded by what it is. A worker that
 * ends by itself is a fault of ours: that is said, and the next bundle starts another.
 */
export class BundleParser {
  readonly #log: Log;
  readonly #startWorker: () => Worker;
  #isStopping = false;
  #worker: Worker | undefined;
  /** Ends the wait of the bundle in hand; of one that is answered it does nothing. */
  #refuse: ((failure: Failure) => void) | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #waitingCharacters = 0;

  constructor({ log, startWorker = startBundleWorker }: BundleParserParts) {
    this.#log = log;
    this.#startWorker = startWorker;
  }

  /** As {@linkcode ParseBundle} says. */
  async parse(text: string): Promise<BundleVerdict> {
    if (text.length <= SMALL_CHARACTERS) return judgeBundle(text);
    if (this.#waitingCharacters >= WAITING_MAX_CHARACTERS) {
      const message = "Cannot parse the bundle: too many others wait to be parsed";
      throw new BoundExceeded("parsing", "too_many_requests", message);
    }
    this.#waitingCharacters += text.length;
    const verdict = this.#turn.then(() => this.#parseInTurn(text))
      .finally(() => this.#waitingCharacters -= text.length);
    this.#turn = verdict.catch(() => {});
    return await verdict;
  }

  /** Ends the worker; what still waits for it is `unavailable`. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#worker?.terminate();
  }

  async #parseInTurn(text: string): Promise<BundleVerdict> {
    if (this.#isStopping) throw unavailable("the broker is stopping");
    const worker = this.#worker ??= this.#start();
    const { promise, resolve, reject } = Promise.withResolvers<BundleVerdict>();
    this.#refuse = reject;
    worker.once("message", resolve);
    worker.postMessage(text);
    return await promise;
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
  return new Worker(new URL("./bundle_worker.ts", import.meta.url));
}

function unavailable(why: string): Failure {
  return new Failure("unavailable", `Cannot parse the bundle: ${why}`);
}
