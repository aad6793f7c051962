import { gzipSync } from "node:zlib";
import type { Clock } from "$lib/clock.ts";
import {
  bottomOf,
  certificatesOf,
  connectionFault,
  type ServerNames,
  UNUSABLE,
  unusablePart,
} from "$lib/http_client/connection_fault.ts";
import { messageOf, quoted, shortened } from "$lib/error.ts";
import {
  createReplaceableClient,
  type ExchangeLimits,
  type HttpClientOptions,
  type ReplaceableClient,
} from "$lib/http_client.ts";
import type { Log } from "$lib/log.ts";
import { proxyOf } from "$lib/http_client/proxy.ts";
import { backoffMs, jittered } from "$lib/retry.ts";
import { type Header, headersIn } from "$lib/settings/headers.ts";
import { retryAfterMs } from "$lib/telemetry/retry_after.ts";
import { statusMessage } from "$lib/telemetry/status_message.ts";

/**
 * What became of a request: `rejected` is one that the receiver would refuse again, `failed` any other without success.
 */
export type OtlpAnswer =
  | { readonly kind: "accepted"; readonly body: Uint8Array }
  | { readonly kind: "rejected"; readonly reason: string; readonly isTooLarge: boolean }
  | { readonly kind: "failed"; readonly reason: string };

/** What a receiver answered, whatever it was. */
export interface ReceiverAnswer {
  readonly status: number;
  /** The protobuf of a success: what the receiver left out. */
  readonly body: Uint8Array;
  /** When to ask again, 0 where the receiver does not say. */
  readonly retryAfterMs: number;
}

/** Sends the telemetry of one signal, of whatever kind the way is. */
export interface OtlpSender {
  /** Sends a request's protobuf, again where that may help; never rejects. */
  send(payload: Uint8Array): Promise<OtlpAnswer>;
  /** Sends another program's protobuf once; rejects where no answer comes in the time that a request may take. */
  pass(payload: Uint8Array, signal: AbortSignal): Promise<ReceiverAnswer>;
  /** Nothing is tried again any more, and whatever is under way after `ms` milliseconds fails. */
  hurry(ms: number): void;
  /** Ends idle connections; nothing more is sent. */
  close(): void;
}

/** Where a signal goes, and by which settings. */
export interface OtlpTarget {
  /** Asked for at each request where it is not known from the start. */
  readonly url: URL | (() => URL | undefined);
  /** The key of who sends, where that is no header of the settings: asked for at each request. */
  readonly key?: () => Promise<string>;
  /** What the log calls the receiver and its settings; left out: as those of `otlp.` are called. */
  readonly names?: ServerNames;
  /** Later ones of a name count before earlier ones; those of the file between the two lists. */
  readonly headers: readonly Header[];
  readonly signalHeaders: readonly Header[];
  readonly headersFile: string | undefined;
  readonly caFile: string | undefined;
  readonly clientCertFile: string | undefined;
  readonly clientKeyFile: string | undefined;
  readonly compression: "gzip" | "none";
  /** Bytes of one request before it is compressed. */
  readonly maxBytes: number;
  /** Milliseconds for one request, with everything that is tried again. */
  readonly timeoutMs: number;
}

/** What sending takes. */
export interface OtlpParts {
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Which proxies there are. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly userAgent: string;
  /** Hears the values of headers, which no line of the log may have. */
  readonly onSecret: (value: string) => void;
  /** Reads a file as it is now; left out, from the disk. */
  readonly readFile?: (path: string) => Promise<string>;
  /** Left out: Deno's own. */
  readonly makeClient?: (options: HttpClientOptions) => Deno.HttpClient;
}

const GZIP_LEVEL = 1;
const BACKOFF = { minMs: 1_000, maxMs: 5_000 };
const ANSWER_MAX_BYTES = 65_536;
const AGAIN: readonly number[] = [429, 502, 503, 504];
const RECEIVER: ServerNames = {
  server: "the receiver",
  authority: "otlp.ca_file",
  address: "otlp.endpoint",
  certificate: "otlp.client_cert_file and otlp.client_key_file",
};

/** Sends over `fetch`: HTTP with protobuf, as OTLP has it. Redirects are failures, so that no key goes elsewhere. */
export function createOtlpSender(target: OtlpTarget, parts: OtlpParts): OtlpSender {
  return new FetchSender(target, parts);
}

/** What may be tried again; `isLate` where the time was over before there was an answer. */
interface Again {
  readonly kind: "again";
  readonly reason: string;
  readonly afterMs: number;
  readonly isLate: boolean;
}

type Try = OtlpAnswer | Again;

/** An answer whose body has been read. */
interface Exchanged {
  readonly response: Response;
  readonly body: Uint8Array;
}

interface Prepared {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: Headers;
}

type NamedTarget = OtlpTarget & { readonly names: ServerNames };

class FetchSender implements OtlpSender {
  readonly #target: NamedTarget;
  readonly #parts: OtlpParts;
  readonly #http: ReplaceableClient;
  readonly #pauses = new AbortController();
  readonly #requests = new AbortController();
  #cancelEnd = () => {};

  constructor(given: OtlpTarget, parts: OtlpParts) {
    const target = { names: RECEIVER, ...given };
    this.#target = target;
    this.#parts = parts;
    const { clock, log, makeClient } = parts;
    const quiet = { ...log, warn: log.debug }; // who sends says when it begins to fail, once
    const options = () => clientOptions(target, parts);
    this.#http = createReplaceableClient({
      ...{ to: "receiver of telemetry", options, clock, log: quiet },
      ...(makeClient && { make: makeClient }),
    });
  }

  async send(payload: Uint8Array): Promise<OtlpAnswer> {
    const { clock, random } = this.#parts;
    const endMs = clock.monotonic() + this.#target.timeoutMs;
    const headers = await this.#headers();
    if (typeof headers === "string") return { kind: "failed", reason: headers };
    const prepared = { body: this.#compressed(payload), headers };
    let reason: string | undefined;
    for (let tries = 1;; tries += 1) {
      const answer = await this.#try(prepared, endMs - clock.monotonic());
      if (answer.kind !== "again") return answer;
      if (!answer.isLate) reason = answer.reason; // a last try may have no time left to find it out
      const pauseMs = Math.max(answer.afterMs, jittered(backoffMs(tries, BACKOFF), random));
      if (clock.monotonic() + pauseMs >= endMs || !await this.#pause(pauseMs)) {
        return { kind: "failed", reason: reason ?? answer.reason };
      }
    }
  }

  async pass(payload: Uint8Array, signal: AbortSignal): Promise<ReceiverAnswer> {
    const headers = await this.#headers();
    if (typeof headers === "string") throw new TypeError(headers);
    const prepared = { body: this.#compressed(payload), headers };
    const { response, body } = await this.#exchange(prepared, { timeoutMs: this.#target.timeoutMs, signal });
    return {
      status: response.status,
      body: response.ok && isProtobuf(response) ? body : new Uint8Array(),
      retryAfterMs: this.#retryAfterMs(response),
    };
  }

  hurry(ms: number): void {
    const ended = new DOMException("The program stops", "AbortError");
    this.#pauses.abort(ended);
    this.#cancelEnd = this.#parts.clock.after(ms, () => this.#requests.abort(ended));
  }

  close(): void {
    this.#cancelEnd();
    this.#http.close();
  }

  async #try(prepared: Prepared, timeoutMs: number): Promise<Try> {
    try {
      return this.#read(await this.#exchange(prepared, { timeoutMs, signal: this.#requests.signal }));
    } catch (error) {
      const { names, clientCertFile } = this.#target;
      const fault = connectionFault(error, names, { showsCertificate: clientCertFile !== undefined });
      return { kind: "again", reason: fault ?? shortened(bottomOf(error)), afterMs: 0, isLate: isTimeout(error) };
    }
  }

  async #exchange({ body, headers }: Prepared, limits: Required<ExchangeLimits>): Promise<Exchanged> {
    const { fetch } = this.#parts;
    return await this.#http.run(async ({ client, signal, heard }) => {
      const init = { method: "POST", headers, body, redirect: "manual" as const, client, signal };
      const response = await fetch(urlOf(this.#target), init);
      heard();
      return { response, body: await firstBytes(response) };
    }, limits);
  }

  #read({ response, body }: Exchanged): Try {
    const { status } = response;
    if (response.ok) return { kind: "accepted", body: isProtobuf(response) ? body : new Uint8Array() };
    const reason = reasonOf(response, body, this.#target.names);
    if (AGAIN.includes(status)) {
      return { kind: "again", reason, afterMs: this.#retryAfterMs(response), isLate: false };
    }
    if (status < 400 || status >= 500) return { kind: "failed", reason };
    return { kind: "rejected", reason, isTooLarge: status === 413 };
  }

  #retryAfterMs({ headers }: Response): number {
    return retryAfterMs(headers.get("retry-after"), this.#parts.clock);
  }

  /** All headers of a request, or why there are none. */
  async #headers(): Promise<Headers | string> {
    const { headers, signalHeaders, headersFile, compression } = this.#target;
    const { userAgent, onSecret } = this.#parts;
    const fromFile = headersFile === undefined ? [] : await this.#headersOf(headersFile);
    const ofKey = await this.#headersOfKey();
    if (typeof fromFile === "string") return fromFile;
    if (typeof ofKey === "string") return ofKey;
    const own: Header[] = [["content-type", "application/x-protobuf"], ["user-agent", userAgent]];
    if (compression === "gzip") own.push(["content-encoding", "gzip"]);
    const all = new Map([...headers, ...fromFile, ...signalHeaders, ...ofKey, ...own]);
    for (const [, value] of fromFile) onSecret(value);
    return new Headers([...all]);
  }

  async #headersOf(path: string): Promise<readonly Header[] | string> {
    try {
      const { readFile = Deno.readTextFile } = this.#parts;
      return headersIn(await readFile(path)) ?? "the file that otlp.headers_file names holds no headers";
    } catch (error) {
      return `the file that otlp.headers_file names can't be read: ${messageOf(error)}`;
    }
  }

  async #headersOfKey(): Promise<readonly Header[] | string> {
    const { key } = this.#target;
    try {
      return key === undefined ? [] : [["authorization", `Bearer ${await key()}`]];
    } catch (error) {
      return messageOf(error);
    }
  }

  #compressed(payload: Uint8Array): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#target.compression === "gzip" ? gzipSync(payload, { level: GZIP_LEVEL }) : payload);
  }

  /** Whether it came to its end. */
  async #pause(ms: number): Promise<boolean> {
    try {
      await this.#parts.clock.sleep(ms, this.#pauses.signal);
      return true;
    } catch {
      return false;
    }
  }
}

/** @throws {TypeError} Where nobody knows yet. */
function urlOf({ url }: OtlpTarget): URL {
  const known = url instanceof URL ? url : url();
  if (known === undefined) throw new TypeError("the broker has not said yet which agent this is");
  return known;
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

/** What connections are made of, as the files say now. */
async function clientOptions(target: NamedTarget, { env, readFile = Deno.readTextFile }: OtlpParts) {
  const read = async (path: string | undefined) => path === undefined ? undefined : await readFile(path);
  const { caFile, clientCertFile, clientKeyFile, names } = target;
  const [ca, cert, key] = await Promise.all([read(caFile), read(clientCertFile), read(clientKeyFile)]);
  const proxy = proxyOf(urlOf(target), env);
  const certificates = certificatesOf({ ca, cert, key });
  const unusable = unusablePart(certificates);
  if (unusable !== undefined) throw new TypeError(`Cannot use ${names[unusable]}: ${UNUSABLE[unusable]}`);
  return { ...certificates, ...(proxy === undefined ? {} : { proxy: { url: proxy } }) };
}

/** An answer's body, empty where it is longer than any that OTLP knows, or breaks off: its status has said enough. */
async function firstBytes({ body }: Response): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of body ?? []) { // leaving the loop cancels the body
      length += piece.length;
      if (length > ANSWER_MAX_BYTES) return new Uint8Array();
      pieces.push(piece);
    }
  } catch {
    return new Uint8Array();
  }
  return new Uint8Array(await new Blob(pieces as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

function isProtobuf({ headers }: Response): boolean {
  return /protobuf/.test(headers.get("content-type") ?? "protobuf");
}

/** The status, and the receiver's words where they are meant to be read. */
function reasonOf(response: Response, body: Uint8Array, { address }: ServerNames): string {
  const { status } = response;
  if (status >= 300 && status < 400) return `status ${status}: redirects are not followed, see ${address}`;
  const words = wordsOf(response, body).trim();
  return words === "" ? `status ${status}` : `status ${status}: ${quoted(words)}`;
}

/** Who is asked for TLS and speaks none, or the other way round, often says so without a type. */
function wordsOf({ headers }: Response, body: Uint8Array): string {
  const type = headers.get("content-type") ?? "text/plain";
  if (/protobuf/.test(type)) return statusMessage(body);
  return /^(text\/plain|application\/([a-z.-]{1,50}\+)?json)\b/i.test(type) ? new TextDecoder().decode(body) : "";
}
