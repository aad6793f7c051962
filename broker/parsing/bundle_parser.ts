import { BoundExceeded } from "../domain/bounds.ts";
import { type BundleVerdict, judgeBundle } from "../domain/bundle_verdict.ts";
import { FairTurns } from "./fair_turns.ts";
import { ParsingWorker, type ParsingWorkerParts } from "./worker_parsing.ts";

/** Up to this length a bundle is parsed in place, in some milliseconds: it need not wait behind a large one. */
const SMALL_CHARACTERS = 4 * 1024;
/**
 * What may wait for a worker, of one caller and of all, before the next is refused: memory, which every caller shares.
 */
const WAITING_MAX_CHARACTERS = { ofCaller: 16 * 1024 * 1024, ofAll: 64 * 1024 * 1024 };
const WORKERS = 2;

/**
 * Parses bundles in two workers, so that requests are answered meanwhile; those that are not small one of each caller
 * at a time, callers in turns. How long one takes is nobody's fault: its work is bounded by what it is.
 */
export class BundleParser {
  readonly #turns = new FairTurns(WORKERS);
  readonly #workers: readonly ParsingWorker[];
  readonly #idle: ParsingWorker[];
  readonly #waitingCharacters = new Map<string, number>();

  constructor(parts: ParsingWorkerParts) {
    this.#workers = Array.from({ length: WORKERS }, () => new ParsingWorker(parts));
    this.#idle = [...this.#workers];
  }

  /** As {@linkcode ParseBundle} says. */
  async parse(text: string, callerId: string): Promise<BundleVerdict> {
    if (text.length <= SMALL_CHARACTERS) return judgeBundle(text);
    this.#mustHaveRoom(callerId);
    this.#wait(callerId, text.length);
    try {
      return await this.#turns.inTurn(callerId, () => this.#parse(text));
    } finally {
      this.#wait(callerId, -text.length);
    }
  }

  /** Ends the workers; what still waits for one is `unavailable`. */
  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.stop()));
  }

  async #parse(text: string): Promise<BundleVerdict> {
    const worker = this.#idle.pop();
    if (worker === undefined) throw new Error("as many turns as workers were to be taken");
    try {
      return await worker.parse(text);
    } finally {
      this.#idle.push(worker); // used first again: the other need not be started for one caller
    }
  }

  #mustHaveRoom(callerId: string): void {
    const all = this.#waitingCharacters.values().reduce((sum, characters) => sum + characters, 0);
    const own = this.#waitingCharacters.get(callerId) ?? 0;
    if (own < WAITING_MAX_CHARACTERS.ofCaller && all < WAITING_MAX_CHARACTERS.ofAll) return;
    const message = "Cannot parse the bundle: too many others wait to be parsed";
    throw new BoundExceeded("parser", "too_many_requests", message);
  }

  #wait(callerId: string, characters: number): void {
    const left = (this.#waitingCharacters.get(callerId) ?? 0) + characters;
    if (left === 0) this.#waitingCharacters.delete(callerId);
    else this.#waitingCharacters.set(callerId, left);
  }
}
