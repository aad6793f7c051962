import type { Clock } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import type { HttpStream, OpenStream } from "./exchange.ts";
import { refusalOf, refused } from "./refusal.ts";
import { createMeter, type Meter, metered, type NamedRequest, requestHeaders, type SenderParts } from "./sender.ts";
import type { LineSource } from "./watches.ts";

/** What watches are opened, counted and timed with. */
export interface LineSourceParts extends Pick<SenderParts, "authorize" | "metrics" | "clock" | "explain"> {
  readonly openStream: OpenStream;
}

/**
 * A watch that asked for bookmarks hears one each minute: one without a whole line for longer is dead, whoever lets
 * bytes trickle.
 */
const SILENCE_MS = 90_000;
/** More characters than any object's metadata can have. */
const LINE_MAX = 8 * 1024 * 1024;

/** The one way to what goes on: it is counted when it opens, or does not. */
export function createLineSource(parts: LineSourceParts): LineSource {
  const meter = createMeter(parts.metrics);
  return async function* (request, signal) {
    const ending = new AbortController();
    const stop = () => ending.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    try {
      signal.throwIfAborted();
      yield* linesOf(await opened(request, { ...parts, meter, signal: ending.signal }), { clock: parts.clock, ending });
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof Failure ? error : brokenOff(request, error, parts.explain);
    } finally {
      signal.removeEventListener("abort", stop);
      ending.abort();
    }
  };
}

interface Opening extends LineSourceParts {
  readonly meter: Meter;
  readonly signal: AbortSignal;
}

/** Tried again only where the API server did not know who asked. */
async function opened(request: NamedRequest, opening: Opening): Promise<HttpStream> {
  const first = await openOnce(request, opening);
  const stream = first.status === 401 ? await openOnce(request, opening, true) : first;
  if (stream.status < 400) return stream;
  throw refused(request.what, refusalOf(stream));
}

async function openOnce(request: NamedRequest, opening: Opening, isUnknown = false): Promise<HttpStream> {
  const { openStream, authorize, clock, meter, signal } = opening;
  const headers = requestHeaders(request, await authorize(isUnknown));
  signal.throwIfAborted();
  return await metered(request, { send: () => openStream({ ...request, headers }, signal), clock, meter, signal });
}

function brokenOff({ what }: NamedRequest, cause: unknown, explain: LineSourceParts["explain"]): Failure {
  const fault = explain?.(cause);
  if (fault !== undefined) return new Failure("kubernetes_unavailable", `Cannot ${what}: ${fault}`);
  return new Failure("kubernetes_unavailable", `Cannot ${what}: the API server does not answer any more`, { cause });
}

interface Reading {
  readonly clock: Clock;
  /** Ends the stream. */
  readonly ending: AbortController;
}

/**
 * The lines of a body, without empty ones. Deno forgets to end a body whose `Response` is garbage when its request is
 * aborted: so whoever reads it ends it. What is waited with is made once for all pieces, of which there may be
 * thousands.
 */
async function* linesOf({ body, connection }: HttpStream, { clock, ending }: Reading): AsyncIterable<string> {
  const reader = body.getReader();
  const cancel = () => void reader.cancel().catch(() => {}); // it is over, whatever becomes of it
  ending.signal.addEventListener("abort", cancel, { once: true });
  const silence = new SilenceWatch(clock, () => {
    ending.abort(new DOMException(`Nothing came for ${SILENCE_MS} ms`, "TimeoutError"));
    connection.silentFor(SILENCE_MS);
  });
  const decoder = new TextDecoder();
  let rest = "";
  let lineMs = clock.monotonic();
  try {
    ending.signal.throwIfAborted(); // it would not say so again
    for (;;) {
      silence.begin(lineMs);
      const { done, value } = await reader.read();
      silence.end();
      ending.signal.throwIfAborted();
      if (done) break;
      connection.heard();
      const [first = "", ...others] = decoder.decode(value, { stream: true }).split("\n");
      const lines = [rest + first, ...others];
      rest = lines.pop() ?? "";
      if (rest.length > LINE_MAX) throw new Error(`a line is longer than ${LINE_MAX} characters`);
      for (const line of lines.filter((line) => line !== "")) {
        yield line;
        lineMs = clock.monotonic();
      }
    }
    if (rest !== "") yield rest;
  } finally {
    silence.stop();
    ending.signal.removeEventListener("abort", cancel);
    cancel();
  }
}

/** Notices when something is waited for as long as {@linkcode SILENCE_MS}, with one timer for many pieces. */
class SilenceWatch {
  readonly #clock: Clock;
  readonly #isSilent: () => void;
  #sinceMs: number | undefined;
  #stop: () => void;

  constructor(clock: Clock, isSilent: () => void) {
    this.#clock = clock;
    this.#isSilent = isSilent;
    this.#stop = this.#lookAfter(SILENCE_MS);
  }

  /** Something is waited for, and has been since then. */
  begin(sinceMs: number): void {
    this.#sinceMs = sinceMs;
  }

  end(): void {
    this.#sinceMs = undefined;
  }

  stop(): void {
    this.#stop();
  }

  #lookAfter(ms: number): () => void {
    return this.#clock.after(ms, () => {
      const nowMs = this.#clock.monotonic();
      const leftMs = (this.#sinceMs ?? nowMs) + SILENCE_MS - nowMs;
      if (leftMs > 0) this.#stop = this.#lookAfter(leftMs);
      else this.#isSilent();
    });
  }
}
