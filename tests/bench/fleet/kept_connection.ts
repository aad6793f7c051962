import { type Answer, Connection } from "../hot_paths/connection.ts";
import { requestBytes } from "../hot_paths/paths.ts";
import { pause, reconnectMs } from "./pauses.ts";
import type { Samples } from "./samples.ts";

/** Whose connection it is, and where what fails is counted. */
export interface Connecting {
  readonly url: string;
  readonly pak: string;
  /** Room for an answer. */
  readonly bufferBytes: number;
  readonly samples: () => Samples;
}

/** A connection that is kept, and made anew a while after it was lost. */
export class KeptConnection implements Disposable {
  readonly #connecting: Connecting;
  #connection: Connection | undefined;

  constructor(connecting: Connecting) {
    this.#connecting = connecting;
  }

  /**
   * Asks for a path below `/api/v1`.
   *
   * @throws When there is no answer, or its status is none of those that are wanted.
   */
  async ask(
    method: string,
    path: string,
    { wanted, ...content }: {
      readonly wanted: readonly number[];
      readonly headers?: readonly string[];
      readonly body?: object;
    },
  ): Promise<Answer> {
    const { url, pak, bufferBytes } = this.#connecting;
    this.#connection ??= await Connection.open(url, bufferBytes);
    const answer = await this.#connection.ask(requestBytes(method, `/api/v1${path}`, { ...content, pak }));
    if (!wanted.includes(answer.status)) throw new UnwantedAnswer(`${method} ${answer.status}`);
    return answer;
  }

  /** Whether `work` was done; what failed is counted, and another connection is for the next one, after a while. */
  async tried(work: () => Promise<void>, signal: AbortSignal): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      const { errors } = this.#connecting.samples();
      const name = error instanceof UnwantedAnswer ? error.message : "no answer";
      errors[name] = (errors[name] ?? 0) + 1;
      this[Symbol.dispose]();
      await pause(reconnectMs(), signal);
      return false;
    }
  }

  [Symbol.dispose](): void {
    this.#connection?.[Symbol.dispose]();
    this.#connection = undefined;
  }
}

class UnwantedAnswer extends Error {}
