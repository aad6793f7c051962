import type { z } from "zod";
import { awayIn, awayText } from "$lib/away.ts";
import { type Clock, deadline } from "$lib/clock.ts";
import { Failure, messageOf, shortened } from "$lib/error.ts";
import { JSON_TYPE, jsonIn } from "$lib/json.ts";
import { VERSION } from "$lib/program/version.ts";
import { ErrorResponse } from "$lib/wire/common.ts";
import type { BrokerConnection } from "./connection.ts";

/** Conditions of a list, by the API's names; what is undefined is left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** An answer: as it came, and as its shape reads it. */
export interface Answer<T> {
  readonly raw: unknown;
  readonly value: T;
  readonly headers: Headers;
}

/** Several items of a list: as they came, and as their shape reads them. */
export interface Items<T> {
  readonly raw: readonly unknown[];
  readonly items: readonly T[];
  /** Whether there are more than were asked for. */
  readonly hasMore: boolean;
}

/** What is sent with a request. */
export interface Sent {
  readonly method: "POST" | "PUT" | "DELETE";
  readonly json?: unknown;
  /** YAML in place of JSON. */
  readonly yaml?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * A broker's API; paths are below `/api/v1/`. Every request has a deadline of 30 seconds.
 *
 * Each method throws {@linkcode Failure}: `broker_rejected` with the API's own words and `details.code` for what the
 * same request will meet again, `broker_unavailable` for what may pass.
 */
export interface BrokerApi {
  get<T>(path: string, shape: z.ZodType<T>, query?: Query): Promise<Answer<T>>;
  /** All pages of a list, or as many as `limit` items take. */
  list<T>(path: string, shape: z.ZodType<T>, query?: Query, limit?: number): Promise<Items<T>>;
  send<T>(path: string, shape: z.ZodType<T>, sent: Sent): Promise<Answer<T>>;
  /** By the broker's clock: when it answered last. */
  nowMs(): number;
}

/** What the API is asked with. */
export interface ApiParts {
  readonly connection: Pick<BrokerConnection, "url" | "name" | "pak" | "fetch" | "explain">;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const USER_AGENT = `brokkr-broker/${VERSION}`;
const TIMEOUT_MS = 30_000;
const PAGE = 1_000;
const FAULTS_SHOWN = 20;
const TRANSIENT: ReadonlySet<number> = new Set([408, 429]);

/** The API at the end of a connection. */
export function brokerApi(parts: ApiParts): BrokerApi {
  let nowMs: number | undefined;
  async function ask<T>(path: string, shape: z.ZodType<T>, sent?: Sent): Promise<Answer<T>> {
    const { response, text } = await exchange(parts, path, sent);
    nowMs = Date.parse(response.headers.get("date") ?? "") || undefined;
    if (!response.ok) throw refusal(response, text, parts);
    const raw = text === "" ? undefined : jsonIn(text);
    const { data, success } = shape.safeParse(raw);
    if (!success) throw unreadable(path, parts);
    return { raw, value: data, headers: response.headers };
  }

  return {
    get: (path, shape, query = {}) => ask(`${path}${queryText(query)}`, shape),
    async list(path, shape, query = {}, limit = Number.POSITIVE_INFINITY) {
      const raw: unknown[] = [];
      const items: z.output<typeof shape>[] = [];
      let cursor: string | undefined;
      do {
        const page = { ...query, limit: Math.min(PAGE, limit - items.length), cursor };
        const answer = await ask(`${path}${queryText(page)}`, shape.array());
        items.push(...answer.value);
        raw.push(...answer.raw as unknown[]);
        cursor = nextCursor(answer.headers);
      } while (cursor !== undefined && items.length < limit);
      return { raw, items, hasMore: cursor !== undefined };
    },
    send: (path, shape, sent) => ask(path, shape, sent),
    nowMs: () => nowMs ?? parts.clock.now(),
  };
}

function queryText(query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]) => value === undefined ? [] : [[name, String(value)]]);
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}

function nextCursor(headers: Headers): string | undefined {
  const [, address] = /^<([^<>]*)>; rel="next"$/.exec(headers.get("link") ?? "") ?? [];
  const { searchParams } = new URL(address ?? "", "http://broker/");
  return searchParams.get("cursor") ?? undefined;
}

async function exchange(
  { connection, clock, signal }: ApiParts,
  path: string,
  { method, json, yaml, headers = {} }: Partial<Sent> = {},
): Promise<{ readonly response: Response; readonly text: string }> {
  const { url, pak } = connection;
  const body = yaml ?? (json === undefined ? undefined : JSON.stringify(json));
  using limit = deadline(clock, TIMEOUT_MS, signal);
  try {
    const response = await connection.fetch(
      new Request(new URL(`${url.pathname.replace(/\/$/, "")}/api/v1/${path}`, url), {
        method: method ?? "GET",
        headers: {
          ...headers,
          accept: JSON_TYPE,
          "user-agent": USER_AGENT,
          ...(body === undefined ? {} : { "content-type": yaml === undefined ? JSON_TYPE : "application/yaml" }),
          ...(pak === undefined ? {} : { authorization: `Bearer ${pak}` }),
        },
        body: body ?? null,
        redirect: "manual",
        signal: limit.signal,
      }),
    );
    return { response, text: await response.text() };
  } catch (cause) {
    signal.throwIfAborted();
    const fault = connection.explain(cause);
    const what = `Cannot reach the broker ${connection.name}: ${fault ?? `${reasonOf(cause)}: ${awayText("broker")}`}`;
    throw new Failure("broker_unavailable", what, { cause, details: { isLasting: fault !== undefined } });
  }
}

/** The end of what the HTTP client says, which begins with the address again. */
function reasonOf(cause: unknown): string {
  const bottom = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  return shortened(messageOf(bottom).replace(/^.*: (?=[^:]* \(os error \d+\)$)/s, ""));
}

function refusal({ status, headers }: Response, text: string, { connection }: ApiParts): Failure {
  const said = ErrorResponse.safeParse(jsonIn(text)).data;
  const code = status >= 500 || TRANSIENT.has(status) ? "broker_unavailable" : "broker_rejected";
  const details = { status, code: said?.code, errors: said?.details?.errors };
  if (said === undefined) {
    const redirect = status >= 300 && status < 400 ? `, to ${shortened(headers.get("location") ?? "nowhere")}` : "";
    const what = `${connection.name} answers ${status}${redirect}, and not as a broker does: see --broker-url`;
    return new Failure(code, `Cannot ask the broker: ${what}`, { details });
  }
  const hint = hintFor(said, { status, headers });
  return new Failure(code, [`${said.message}${hint}`, ...faultsOf(said.details)].join("\n  "), { details });
}

/** What to look at, beside what the API says. */
function hintFor({ code, details }: ErrorResponse, { status, headers }: Pick<Response, "status" | "headers">): string {
  if (code === "not_found") return " (see --broker-url: it ends before /api/v1)"; // no such path, whatever is asked of
  if (status === 401) return ` (see ${wantedFor(headers)})`;
  const away = awayIn(details);
  return away === undefined ? "" : `: ${awayText(away)}`;
}

/** What proves who asks: a key, as the API's answer says with RFC 9110's header; else TLS wants a certificate first. */
function wantedFor(headers: Headers): string {
  return headers.has("www-authenticate") ? "BROKKR_PAK or --pak-file" : "--client-cert-file and --client-key-file";
}

/** Every fault that the API names, one a line. */
function faultsOf(details: Readonly<Record<string, unknown>> = {}): readonly string[] {
  const faults = Array.isArray(details.errors) ? details.errors : [];
  const lines = faults.flatMap(({ path, message }: Readonly<Record<string, unknown>>) =>
    // what has no path stands in the message already
    typeof path === "string" ? [path === "" ? `${message}` : `${path}: ${message}`] : []
  );
  const more = lines.length - FAULTS_SHOWN;
  return more > 0 ? [...lines.slice(0, FAULTS_SHOWN), `and ${more} more`] : lines;
}

function unreadable(path: string, { connection }: ApiParts): Failure {
  const what = `the answer to ${path} is not what the API promises`;
  return new Failure("broker_rejected", `Cannot read what the broker ${connection.name} says: ${what}`);
}
