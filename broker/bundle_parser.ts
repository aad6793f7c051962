import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { type Clock, deadline } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import { type BundleVerdict, judgeBundle } from "./domain/bundle_verdict.ts";

/** What parsing needs. */
export interface BundleParserParts {
  readonly clock: Clock;
  readonly log: Log;
}

/** Up to this length a bundle is parsed in place, in some milliseconds: it need not wait behind a large one. */
const SMALL_CHARACTERS = 4 * 1024;
/** What may wait for the worker in all before the next is refused: memory, which every caller shares. */
const WAITING_MAX_CHARACTERS = 32 * 1024 * 1024;
const PARSE_DEADLINE_MS = 10_000;
const PATIENCE_MS = 20_000;
/** 2 MiB of ordinary YAML take 150 MB, of hostile YAML 2 GB: a worker that needs more than this ends, and says nothing. */
const MEMORY = { maxOldGenerationSizeMb: 512 } as const;

/**
 * Parses bundles one after the other in a worker, so that requests are answered meanwhile. The worker is started by the
 * first bundle that is not small, and replaced when it does not answer in ten seconds, or ends.
 */
export class BundleParser {
  readonly #parts: BundleParserParts;
  readonly #stopping = new AbortController();
  #worker: Worker | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #waitingCharacters = 0;

  constructor(parts: BundleParserParts) {
    this.#parts = parts;
  }

  /** As {@linkcode ParseBundle} says. */
  async parse(text: string): Promise<BundleVerdict> {
    if (text.length <= SMALL_CHARACTERS) return judgeBundle(text);
    const sinceMs = this.#parts.clock.monotonic();
    if (this.#waitingCharacters >= WAITING_MAX_CHARACTERS) {
      throw new Failure("too_many_requests", "Cannot parse the bundle: too many others wait to be parsed");
    }
    this.#waitingCharacters += text.length;
    const verdict = this.#turn.then(() => this.#parseInTurn(text, sinceMs))
      .finally(() => this.#waitingCharacters -= text.length);
    this.#turn = verdict.catch(() => {});
    return await verdict;
  }

  /** Ends the worker; what still waits for it is `unavailable`. */
  async stop(): Promise<void> {
    this.#stopping.abort(unavailable("the broker is stopping"));
    await this.#end();
  }

  async #parseInTurn(text: string, sinceMs: number): Promise<BundleVerdict> {
    const { clock } = this.#parts;
    this.#stopping.signal.throwIfAborted();
    if (clock.monotonic() - sinceMs > PATIENCE_MS) throw unavailable("too many others are being parsed");
    using limit = deadline(clock, PARSE_DEADLINE_MS, this.#stopping.signal);
    try {
      return await this.#ask(text, limit.signal);
    } catch (cause) {
      await this.#end();
      this.#stopping.signal.throwIfAborted();
      if (limit.signal.aborted) throw this.#tooSlow(text, cause);
      throw cause;
    }
  }

  async #ask(text: string, signal: AbortSignal): Promise<BundleVerdict> {
    const worker = this.#worker ??= new Worker(new URL("./bundle_worker.ts", import.meta.url), {
      resourceLimits: MEMORY,
    });
    const answer = once(worker, "message", { signal });
    worker.postMessage(text);
    const [verdict] = await answer;
    return verdict;
  }

  #tooSlow({ length }: string, cause: unknown): Failure {
    this.#parts.log.warn("bundle takes too long to parse", { characters: length });
    const message = "Cannot accept the deployment object: it takes too long to parse";
    return new Failure("invalid_deployment_object", message, { cause });
  }

  async #end(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

function unavailable(why: string): Failure {
  return new Failure("unavailable", `Cannot parse the bundle: ${why}`);
}
