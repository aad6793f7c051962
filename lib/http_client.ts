import { AbortListeners } from "$lib/abort_listeners.ts";
import type { Clock } from "$lib/clock.ts";
import { Deadlines } from "$lib/http_client/deadlines.ts";
import { messageOf } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";

/** What an HTTP client is made of. */
export type HttpClientOptions = Deno.CreateHttpClientOptions;

/** What a replaceable client needs. */
export interface HttpClientParts {
  /** Whom it asks, as the log says it. */
  readonly to: "API server" | "broker" | "receiver of telemetry";
  /**
   * What the client is to be made of as things are now: files may have changed. Asked at most once in five seconds, and
   * where it fails the client stays as it is.
   */
  readonly options: () => HttpClientOptions | Promise<HttpClientOptions>;
  /** Left out: Deno's own. */
  readonly make?: (options: HttpClientOptions) => Deno.HttpClient;
  readonly clock: Clock;
  readonly log: Log;
}

/** The connections that an exchange uses. */
export interface Connection {
  readonly client: Deno.HttpClient;
  /** Ends the exchange: its deadline has passed, whoever asked wants it no more, or its connections are given up. */
  readonly signal: AbortSignal;
  /** Says that something came in on these connections. */
  heard(): void;
  /** Says that nothing was heard of the exchange for `ms` milliseconds; see {@linkcode ReplaceableClient}. */
  silentFor(ms: number): void;
}

/** How long an exchange may take, and who else ends it. */
export interface ExchangeLimits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/**
 * An HTTP client that is made anew when its connections went silent, or when it is to be made of something else.
 *
 * A connection that a firewall forgot swallows every request in silence. Where a deadline passes and nothing at all
 * came in since its exchange began, the client is made anew, at most once in ten seconds, and every exchange that still
 * uses the old one ends with a `TimeoutError`. Where something came in, one of several connections may be silent
 * (HTTP/1.1), or the answer is slow: new exchanges get new connections, and those under way go on.
 */
export interface ReplaceableClient {
  /** Runs one exchange to its end within its deadline. */
  run<T>(exchange: (connection: Connection) => Promise<T>, limits: ExchangeLimits): Promise<T>;
  /** Runs one whose answer goes on: the deadline is for its beginning, and it is over when the outer signal aborts. */
  open<T>(exchange: (connection: Connection) => Promise<T>, limits: Required<ExchangeLimits>): Promise<T>;
  /** Ends idle connections; nothing more goes this way. */
  close(): void;
}

const CHECK_INTERVAL_MS = 5_000;
const REPLACE_INTERVAL_MS = 10_000;

interface Generation {
  readonly client: Deno.HttpClient;
  /** What ends each exchange that uses it. */
  readonly underWay: Set<(reason: unknown) => void>;
  heardMs: number;
}

/** A client that is made with the first exchange. */
export function createReplaceableClient(parts: HttpClientParts): ReplaceableClient {
  return new Replaceable(parts);
}

class Replaceable implements ReplaceableClient {
  readonly #parts: HttpClientParts;
  readonly #deadlines: Deadlines;
  readonly #aborts = new AbortListeners();
  #current: Generation | undefined;
  #options: { readonly value: HttpClientOptions; readonly text: string } | undefined;
  #checking: Promise<void> | undefined;
  #checkedMs = Number.NEGATIVE_INFINITY;
  #replacedMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(parts: HttpClientParts) {
    this.#parts = parts;
    this.#deadlines = new Deadlines(parts.clock);
  }

  async run<T>(exchange: (connection: Connection) => Promise<T>, limits: ExchangeLimits): Promise<T> {
    const exchanging = await this.#begin(limits.signal);
    try {
      return await this.#inTime(exchange, exchanging, limits);
    } finally {
      exchanging.end();
    }
  }

  async open<T>(exchange: (connection: Connection) => Promise<T>, limits: Required<ExchangeLimits>): Promise<T> {
    const exchanging = await this.#begin(limits.signal);
    limits.signal.addEventListener("abort", exchanging.end, { once: true });
    try {
      return await this.#inTime(exchange, exchanging, limits);
    } catch (error) {
      exchanging.end();
      throw error;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#current?.client.close();
  }

  /** Not by `AbortSignal.any`, which takes 27 µs and leaves something behind with signals that live long. */
  async #begin(outer?: AbortSignal): Promise<Exchanging> {
    const { clock } = this.#parts;
    const generation = await this.#generation();
    outer?.throwIfAborted();
    const controller = new AbortController();
    const { promise: aborted, reject } = Promise.withResolvers<never>();
    const abort = (reason: unknown) => {
      controller.abort(reason);
      reject(reason);
    };
    const forget = outer && this.#aborts.on(outer, () => abort(outer.reason));
    generation.underWay.add(abort);
    const end = () => {
      forget?.();
      generation.underWay.delete(abort);
    };
    const connection = {
      client: generation.client,
      signal: controller.signal,
      heard: () => {
        generation.heardMs = clock.monotonic();
      },
      silentFor: (ms: number) => this.#silentSince(generation, clock.monotonic() - ms),
    };
    return { connection, aborted, abort, end };
  }

  async #inTime<T>(
    exchange: (connection: Connection) => Promise<T>,
    { connection, aborted, abort }: Exchanging,
    { timeoutMs }: ExchangeLimits,
  ): Promise<T> {
    const cancel = this.#deadlines.after(timeoutMs, () => {
      abort(new DOMException(`Timed out after ${Math.ceil(timeoutMs)} ms`, "TimeoutError"));
      connection.silentFor(timeoutMs);
    });
    try {
      return await Promise.race([exchange(connection), aborted]);
    } finally {
      cancel();
    }
  }

  #silentSince(generation: Generation, sinceMs: number): void {
    const { to, clock, log } = this.#parts;
    const nowMs = clock.monotonic();
    if (this.#isClosed || generation !== this.#current || this.#options === undefined) return;
    if (nowMs - this.#replacedMs < REPLACE_INTERVAL_MS) return;
    this.#replacedMs = nowMs;
    this.#replaceBy(this.#options.value);
    if (generation.heardMs > sinceMs) return;
    log.warn("connections went silent, new ones are made", { to, silentMs: Math.round(nowMs - sinceMs) });
    for (const abort of generation.underWay) abort(new DOMException("Its connection went silent", "TimeoutError"));
  }

  #replaceBy(options: HttpClientOptions): void {
    const { make = Deno.createHttpClient } = this.#parts;
    const next = {
      client: make(options),
      underWay: new Set<(reason: unknown) => void>(),
      heardMs: Number.NEGATIVE_INFINITY,
    };
    this.#current?.client.close(); // its idle connections: what is under way goes on
    this.#current = next;
  }

  async #generation(): Promise<Generation> {
    if (this.#current === undefined || this.#parts.clock.monotonic() - this.#checkedMs >= CHECK_INTERVAL_MS) {
      this.#checking ??= this.#check().finally(() => this.#checking = undefined);
      await this.#checking;
    }
    if (this.#current === undefined || this.#isClosed) throw new TypeError("The client is closed");
    return this.#current;
  }

  async #check(): Promise<void> {
    const { to, options, clock, log } = this.#parts;
    try {
      const value = await options();
      const text = JSON.stringify(value);
      if (this.#isClosed) return;
      if (this.#current === undefined || text !== this.#options?.text) this.#replaceBy(value);
      this.#options = { value, text };
    } catch (error) {
      if (this.#current === undefined) throw error;
      log.warn("a client's files cannot be used, it stays as it is", { to, error: messageOf(error) });
    }
    this.#checkedMs = clock.monotonic();
  }
}

/** An exchange that is under way. */
interface Exchanging {
  readonly connection: Connection;
  /** Rejects when the exchange is ended from outside. */
  readonly aborted: Promise<never>;
  readonly abort: (reason: unknown) => void;
  readonly end: () => void;
}
