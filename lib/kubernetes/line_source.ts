import { deadline } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import type { HttpStream, OpenStream } from "./exchange.ts";
import { refusalOf, refused } from "./refusal.ts";
import { createMeter, type Meter, REQUEST_TIMEOUT_MS, requestHeaders, resultOf, type SenderParts } from "./sender.ts";
import type { NamedRequest } from "./sender.ts";
import type { LineSource } from "./watches.ts";

/** What watches are opened, counted and timed with. */
export interface LineSourceParts extends Pick<SenderParts, "authorize" | "metrics" | "clock"> {
  readonly openStream: OpenStream;
}

/** A watch that asked for bookmarks hears one each minute: one that is silent for longer is dead. */
const SILENCE_MS = 90_000;
/** More characters than any object's metadata can have. */
const LINE_MAX = 8 * 1024 * 1024;

/** The one way to what goes on: it is counted when it opens, or does not. */
export function createLineSource(parts: LineSourceParts): LineSource {
  const meter = createMeter(parts.metrics);
  return async function* (request, signal) {
    const ending = new AbortController();
    try {
      const both = AbortSignal.any([signal, ending.signal]);
      const { body } = await opened(request, { ...parts, meter, signal: both });
      const silent = () => ending.abort(new DOMException(`Nothing came for ${SILENCE_MS} ms`, "TimeoutError"));
      yield* linesOf(body, () => parts.clock.after(SILENCE_MS, silent));
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof Failure ? error : brokenOff(request, error);
    } finally {
      ending.abort();
    }
  };
}

interface Opening extends LineSourceParts {
  readonly meter: Meter;
  readonly signal: AbortSignal;
}

async function opened(
  request: NamedRequest,
  { openStream, authorize, clock, meter, signal }: Opening,
): Promise<HttpStream> {
  const headers = requestHeaders(request, await authorize());
  signal.throwIfAborted();
  using limit = deadline(clock, REQUEST_TIMEOUT_MS, signal);
  const startMs = clock.monotonic();
  let status: number | undefined;
  try {
    const stream = await openStream({ ...request, headers }, limit.signal);
    status = stream.status;
    if (status < 400) return stream;
    const text = await new Response(stream.body).text();
    throw refused(request.what, refusalOf({ ...stream, text }));
  } finally {
    meter(request.operation, resultOf(request, status), (clock.monotonic() - startMs) / 1000);
  }
}

function brokenOff({ what }: NamedRequest, cause: unknown): Failure {
  return new Failure("kubernetes_unavailable", `Cannot ${what}: the API server does not answer any more`, { cause });
}

/** The lines of a body, without empty ones; `wait` starts the time that the next bytes may take, and gives what ends it. */
async function* linesOf(body: HttpStream["body"], wait: () => () => void): AsyncIterable<string> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const stopWaiting = wait();
    const { done, value } = await reader.read().finally(stopWaiting);
    if (done) break;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LINE_MAX) throw new Error(`a line is longer than ${LINE_MAX} characters`);
    for (const line of lines) if (line !== "") yield line;
  }
  if (rest !== "") yield rest;
}
