import { type Clock, unlessAborted } from "$lib/clock.ts";
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
 * A watch that asked for bookmarks hears one each minute: one without a whole line for longer is dead, whoever lets bytes
 * trickle.
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
 * aborted: so whoever reads it ends it.
 */
async function* linesOf({ body, connection }: HttpStream, { clock, ending }: Reading): AsyncIterable<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const isSilent = () => {
    ending.abort(new DOMException(`Nothing came for ${SILENCE_MS} ms`, "TimeoutError"));
    connection.silentFor(SILENCE_MS);
  };
  let rest = "";
  let lineMs = clock.monotonic();
  try {
    for (;;) {
      const stopWaiting = clock.after(lineMs + SILENCE_MS - clock.monotonic(), isSilent);
      const { done, value } = await unlessAborted(reader.read(), ending.signal).finally(stopWaiting);
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
    reader.cancel().catch(() => {}); // it is over, whatever becomes of it
  }
}
