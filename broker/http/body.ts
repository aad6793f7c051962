import type { z } from "zod";
import { type Clock, inTime } from "$lib/clock.ts";
import { type ApiErrorCode, Failure, quoted } from "$lib/error.ts";
import { Watchdog } from "$lib/watchdog.ts";
import { BoundExceeded } from "../domain/bounds.ts";
import { hasMoreParts } from "./json_parts.ts";
import { faultsOf, faultyInput } from "./problem.ts";

/** More than any body has that is no report. */
const PARTS_MAX = 20_000;

/** What a request's body may be. */
export interface BodyDeclaration<Body extends z.ZodType> {
  readonly shape: Body;
  /** The code of text that is too long, empty or has white space, where it is not `invalid_request_body`. */
  readonly textCode?: ApiErrorCode;
  /** How many names and values it may have at most; {@linkcode PARTS_MAX} where it is left out. */
  readonly partsMax?: number;
  /** Media types that are taken as they are, and the value they stand for. */
  readonly raw?: { readonly types: readonly string[]; into(text: string): z.input<Body> };
}

/**
 * Reads and checks a body. An empty one is `undefined` to the shape.
 *
 * @throws {Failure} `too_large`; `unsupported_encoding`; `invalid_request_body` with every fault; the declaration's own
 * code.
 */
export async function readBody<Body extends z.ZodType>(
  request: Request,
  { shape, textCode, partsMax = PARTS_MAX, raw }: BodyDeclaration<Body>,
  bounds: BodyBounds,
): Promise<z.output<Body>> {
  codingOf(request, []);
  const text = textOf(await readBytes(request, bounds));
  const isRaw = raw?.types.includes(mediaType(request)) === true;
  const checked = shape.safeParse(isRaw ? raw.into(text) : valueOf(text, partsMax));
  if (!checked.success) throw bodyFailure(checked.error, textCode);
  return checked.data;
}

/** How a body may be packed. */
export type ContentCoding = "gzip";

/**
 * How the body is packed: one of those taken, or not at all.
 *
 * @throws {Failure} `unsupported_encoding` for any other `Content-Encoding` or `Transfer-Encoding`, several included.
 */
export function codingOf({ headers }: Request, taken: readonly ContentCoding[]): ContentCoding | undefined {
  const codings = codingsIn(headers, "content-encoding");
  const coding = taken.find((one) => one === codings[0] || `x-${one}` === codings[0]);
  if (codings.length > 1 || codings.length === 1 && coding === undefined) refuseCoding("Content-Encoding");
  if (codingsIn(headers, "transfer-encoding").length > 0) refuseCoding("Transfer-Encoding");
  return coding;

  function refuseCoding(name: string): never {
    const accepted = taken.length === 0 ? "identity" : taken.join(", ");
    const said = quoted(headers.get(name) ?? "");
    const message = `Cannot read the body: its ${name} is ${said}, and only ${accepted} is taken here`;
    throw new Failure("unsupported_encoding", message, { details: { accept_encoding: accepted } });
  }
}

/** Ways to send a body as it is. */
const PLAIN = ["", "chunked", "identity"];

function codingsIn(headers: Headers, name: string): readonly string[] {
  const said = headers.get(name)?.toLowerCase() ?? "";
  return said.split(",").map((one) => one.trim()).filter((one) => !PLAIN.includes(one));
}

/** What a body may take: it comes within 30 s, and no piece of it takes longer than 10 s. */
export interface BodyBounds {
  /** `broker.max_body_bytes`, or less. */
  readonly maxBytes: number;
  /** Whether the endpoint itself takes no more, whatever the setting allows. */
  readonly isFixed?: boolean;
  readonly clock: Clock;
  /** Watches over bodies that come in one piece. */
  readonly watchdog: Watchdog;
  /** Waits until there is room for a large body of so many bytes; left out where there always is. */
  readonly takeRoom?: (bytes: number) => Promise<void>;
}

/** The bounds of all bodies of an application. */
export function bodyBounds({ maxBytes, clock }: Pick<BodyBounds, "maxBytes" | "clock">): BodyBounds {
  return { maxBytes, clock, watchdog: new Watchdog({ clock, limitMs: PIECE_MAX_MS }) };
}

const WHOLE_MAX_MS = 30_000;
const PIECE_MAX_MS = 10_000;
/** So many pieces that are there already are read before anybody else is answered, and timers are looked at. */
const PIECES_AT_ONCE = 16;
/** One that says it is no longer is read at once, which costs half as much as pieces do; what is longer needs room. */
const SMALL_BYTES = 65_536;

/**
 * The bytes of a body, however they are sent.
 *
 * @throws {Failure} `too_large` as soon as there are more than `maxBytes`; `unavailable` for one that takes too long.
 */
export async function readBytes(
  request: Request,
  bounds: BodyBounds,
): Promise<Uint8Array<ArrayBuffer>> {
  const { watchdog } = bounds;
  const { headers } = request;
  const saysBytes = Number(headers.get("content-length") ?? NaN);
  if (saysBytes > bounds.maxBytes) throw tooLarge(bounds);
  const isSmall = saysBytes <= SMALL_BYTES && !headers.has("transfer-encoding");
  if (!isSmall) return await readPieces(request, Number.isNaN(saysBytes) ? bounds.maxBytes : saysBytes, bounds);
  const late = Promise.withResolvers<never>();
  const whole = watchdog.over(() => request.bytes().catch(endsEarly), () => late.reject(tooSlow()));
  return await Promise.race([whole, late.promise]);
}

/**
 * As a stream, which can be left where it grows too long, or comes too slowly, and waits where there is no room. No
 * piece of it is kept: of whoever sends byte by byte, each would take thousands of times what it holds.
 */
async function readPieces(
  { body }: Request,
  expectedBytes: number,
  bounds: BodyBounds,
): Promise<Uint8Array<ArrayBuffer>> {
  const { clock, takeRoom } = bounds;
  if (body === null) return new Uint8Array();
  const reader = body.getReader();
  let whole = new Uint8Array(Math.min(expectedBytes, SMALL_BYTES));
  let endMs = clock.monotonic() + WHOLE_MAX_MS;
  let [size, hasRoom] = [0, takeRoom === undefined];
  try {
    for (let pieces = 1;; pieces += 1) {
      const ms = Math.min(PIECE_MAX_MS, endMs - clock.monotonic());
      if (ms <= 0) refuseSlow();
      const { done, value } = await inTime(reader.read().catch(endsEarly), { clock, ms }, refuseSlow);
      if (done) return whole.subarray(0, size);
      if (pieces % PIECES_AT_ONCE === 0) await clock.sleep(0);
      const end = size + value.byteLength;
      if (end > bounds.maxBytes) throw tooLarge(bounds);
      if (!hasRoom && end > SMALL_BYTES) {
        const startedMs = clock.monotonic();
        await takeRoom?.(expectedBytes);
        hasRoom = true;
        endMs += clock.monotonic() - startedMs;
      }
      if (end > whole.length) whole = grown(whole, Math.max(end, Math.min(expectedBytes, 2 * whole.length)));
      whole.set(value, size);
      size = end;
    }
  } finally {
    reader.cancel().catch(() => {}); // of one that was read to its end, it does nothing
  }
}

function grown({ buffer }: Uint8Array<ArrayBuffer>, length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer.transfer(length));
}

function refuseSlow(): never {
  throw tooSlow();
}

function tooSlow(): Failure {
  const limits = `${WHOLE_MAX_MS / 1_000} s for all of it, ${PIECE_MAX_MS / 1_000} s for a part`;
  return new BoundExceeded("body_time", "unavailable", `Cannot read the body: it comes too slowly (${limits})`);
}

/** A body that ends early is nobody's bug: the client left, or the broker stops and Deno no longer reads for it. */
function endsEarly(cause: unknown): never {
  throw new Failure("unavailable", "Cannot read the body: the connection or the broker is ending", { cause });
}

function tooLarge({ maxBytes, isFixed }: BodyBounds): Failure {
  const why = isFixed === true ? "" : " (broker.max_body_bytes)";
  const message = `Cannot take the body: it is larger than ${maxBytes} bytes${why}`;
  return new BoundExceeded("body_size", "too_large", message);
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A byte order mark is kept: checksums are of the bytes as sent. PostgreSQL can't hold NUL in a text. */
function textOf(bytes: Uint8Array): string {
  const text = decoded(bytes);
  if (text === undefined) throw malformed("must be UTF-8");
  if (text.includes("\0")) throw malformed("must not contain NUL characters");
  return text;
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

function mediaType(request: Request): string {
  return (request.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

function valueOf(text: string, partsMax: number): unknown {
  if (text === "") return undefined;
  if (text.length > partsMax && hasMoreParts(text, partsMax)) {
    throw malformed(`must not have more than ${partsMax} names and values`);
  }
  try {
    return text.includes("\\u0000") ? JSON.parse(text, refuseNul) : JSON.parse(text);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw malformed(`must be JSON${placeIn(error)}`);
  }
}

/** Where the parser stopped; its whole message would quote the body, which may hold a secret. */
function placeIn(error: unknown): string {
  const place = /\(line \d+ column \d+\)/.exec(String(error));
  return place === null ? "" : ` ${place[0]}`;
}

function refuseNul(key: string, value: unknown): unknown {
  if (key.includes("\0") || (typeof value === "string" && value.includes("\0"))) {
    throw malformed("must not contain NUL characters");
  }
  return value;
}

function malformed(message: string): Failure {
  return faultyInput("invalid_request_body", "Cannot read the body", [{ path: "", message }]);
}

function bodyFailure(error: z.ZodError, textCode: ApiErrorCode | undefined): Failure {
  const faults = faultsOf(error);
  const code = codeOf(error.issues, textCode);
  return faultyInput(code, "Cannot accept the body: it has faults", faults);
}

function codeOf(issues: readonly z.core.$ZodIssue[], textCode: ApiErrorCode | undefined): ApiErrorCode {
  if (issues.some(({ code }) => code === "unrecognized_keys")) return "unsupported_field";
  const isAboutText = issues.every(({ code, path }) => code !== "invalid_type" && !String(path[0]).endsWith("_id"));
  return textCode !== undefined && isAboutText ? textCode : "invalid_request_body";
}
