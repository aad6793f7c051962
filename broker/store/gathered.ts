import { isFailure } from "$lib/error.ts";
import type { Span } from "$lib/tracing.ts";
import type { StoreTracing } from "./handle.ts";

interface Call<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
  /** Whose work it is. */
  readonly span: Span | undefined;
}

/** Items in one statement: however many gather, each statement ends soon. */
const MAX_ITEMS = 500;

/**
 * Calls that arrive while a statement is under way become one statement, the next; one that finds none under way starts
 * at once. So nobody waits for company, and the more come the fewer statements each of them costs.
 */
export class Gathered<Item, Result> {
  readonly #run: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly #tracing: Pick<StoreTracing, "current" | "within">;
  #waiting: Call<Item, Result>[] = [];
  #isRunning = false;

  /** @param run Answers each item at its place: as the work of its caller where it is the only one, else of nobody. */
  constructor(
    run: (items: readonly Item[]) => Promise<readonly Result[]>,
    tracing: Pick<StoreTracing, "current" | "within">,
  ) {
    this.#run = run;
    this.#tracing = tracing;
  }

  /** What the statement with this item in it answers for it. */
  call(item: Item): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#waiting.push({ item, resolve, reject, span: this.#tracing.current() });
    if (!this.#isRunning) {
      this.#isRunning = true;
      queueMicrotask(() => void this.#drain());
    }
    return promise;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) await this.#answer(this.#waiting.splice(0, MAX_ITEMS));
    this.#isRunning = false;
  }

  /** What a database refuses of several items may be the fault of one: then each is asked for alone. */
  async #answer(calls: readonly Call<Item, Result>[]): Promise<void> {
    try {
      const span = calls.length === 1 ? calls[0]?.span : undefined;
      const results = await this.#tracing.within(span, () => this.#run(calls.map(({ item }) => item)));
      calls.forEach(({ resolve }, index) => resolve(results[index] as Result));
    } catch (error) {
      if (calls.length === 1 || isFailure(error, "unavailable")) return calls.forEach(({ reject }) => reject(error));
      for (const call of calls) await this.#answer([call]);
    }
  }
}
