import type { SpanContext } from "@opentelemetry/api";
import type { z } from "zod";
import { isHeaderText } from "$lib/token.ts";
import { Failure, isFailure } from "$lib/error.ts";
import type { ReplaceableClient } from "$lib/http_client.ts";
import { requestOutcome, requestSpan } from "$lib/http_client/http_span.ts";
import { sha256Hex } from "$lib/ids.ts";
import { JSON_TYPE } from "$lib/json.ts";
import type { BoundGauge } from "$lib/metrics.ts";
import { traceHeaders } from "$lib/traceparent.ts";
import { endAfter, type Tracing } from "$lib/tracing.ts";
import { Agent, type HeartbeatReport } from "$lib/wire/agent.ts";
import { AuthResponse, ErrorResponse } from "$lib/wire/common.ts";
import type { NewAgentEvent } from "$lib/wire/event.ts";
import { Snapshot } from "$lib/wire/snapshot.ts";

/** A believed snapshot, with the tag to poll with next time. */
export interface TaggedSnapshot {
  readonly snapshot: Snapshot;
  readonly etag: string | undefined;
}

/** Who the broker says this agent is. */
export interface BrokerIdentity {
  readonly id: string;
  readonly name: string;
  readonly clusterName: string;
}

/**
 * The broker's API as the agent uses it; every request has a deadline.
 *
 * Each verb throws {@linkcode Failure}: `broker_rejected` for a refusal that the same request will meet again,
 * `broker_unavailable` for everything that may pass (no answer, 401, 408, 429, 5xx); `details.status` is the status,
 * `details.code` the broker's own code.
 */
export interface BrokerClient {
  /** The agent that the key belongs to. */
  identify(signal: AbortSignal): Promise<BrokerIdentity>;
  /** Consents to receive from a generator; consented already is success. */
  register(who: { readonly agentId: string; readonly generatorId: string }, signal: AbortSignal): Promise<void>;
  /**
   * The agent's snapshot, or undefined when the broker has none newer than `etag`.
   *
   * @throws {Failure} `invalid_snapshot` when the body is not a complete snapshot.
   */
  poll(agentId: string, etag: string | undefined, signal: AbortSignal): Promise<TaggedSnapshot | undefined>;
  /**
   * Waits until the agent's snapshot is of another revision than `since`, or for a while; this says nothing of whether
   * the broker is there, as polls do.
   */
  awaitChange(known: { readonly agentId: string; readonly since: number }, signal: AbortSignal): Promise<ChangeAnswer>;
  /** The bundle of a deployment object, checked against `checksum`. */
  fetchBundle(object: { readonly id: string; readonly checksum: string }, signal: AbortSignal): Promise<string>;
  /** Gives a sign of life; resolves when the broker has acknowledged it. */
  beat(agentId: string, report: HeartbeatReport, signal: AbortSignal): Promise<void>;
  /** Sends a report, as part of the turn's trace that it is of; resolves when the broker has acknowledged it. */
  report(event: NewAgentEvent, trace: SpanContext | undefined, signal: AbortSignal): Promise<void>;
}

/** What a wait for a change came to; `unknown` is a broker that knows no such waits. */
export type ChangeAnswer =
  | { readonly kind: "changed" | "unknown" }
  /** To be asked again after so many milliseconds. */
  | { readonly kind: "unchanged"; readonly pauseMs: number };

/** A client with connections of its own. */
export interface OpenBrokerClient extends BrokerClient {
  /** Ends idle connections; nothing more is sent. */
  close(): void;
}

/** What the client is made of. */
export interface BrokerClientParts {
  readonly fetch: typeof fetch;
  /** The connections to the broker. */
  readonly http: ReplaceableClient;
  /** Where the broker is, without `/api/v1`. */
  readonly url: URL;
  readonly userAgent: string;
  /** The agent's key; asked for at each request, so that a rotated one is used at once. */
  readonly readPak: () => Promise<string>;
  /** Set to 1 by each exchange that succeeds, to 0 by each that fails. */
  readonly connected: BoundGauge;
  /** Left out: none. */
  readonly tracing?: Pick<Tracing, "begin"> | undefined;
  /** Why no connection came about, in words of the settings; undefined where they don't tell. */
  readonly explain?: (error: unknown) => string | undefined;
  /** Hears how each exchange ended: undefined, or why it failed. */
  readonly onExchange?: (failure: Failure | undefined) => void;
}

/** Milliseconds that one exchange may take, its body included. */
export const REQUEST_TIMEOUT_MS = 15_000;
/** Seconds that the broker is asked to hold a request: less than proxies let a connection be silent. */
const WAIT_SECONDS = 25;
const PAUSE_MAX_SECONDS = 60;

const AgentNames = Agent.pick({ name: true, cluster_name: true });
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([401, 408, 429]);
const EXPLANATION_MAX = 300;

/** Where a path of the broker's API is. */
export function apiUrl(broker: URL, path: string): URL {
  return new URL(`${broker.pathname.replace(/\/$/, "")}/api/v1/${path}`, broker);
}

/** Builds the client over the given parts. */
export function brokerClient(parts: BrokerClientParts): BrokerClient {
  const exchange = exchanger(parts);
  return {
    async identify(signal) {
      const { agent: id } = parsed(AuthResponse, await exchange({ method: "POST", path: "auth/pak" }, signal));
      if (!id) throw new Failure("broker_rejected", "Cannot identify: the key is not an agent's");
      const { name, cluster_name } = parsed(
        AgentNames,
        await exchange({ method: "GET", path: `agents/${id}` }, signal),
      );
      return { id, name, clusterName: cluster_name };
    },
    async register({ agentId, generatorId }, signal) {
      const path = `generators/${generatorId}/register`;
      await exchange({ method: "POST", path, body: { agent_id: agentId }, accepted: [409] }, signal);
    },
    async poll(agentId, etag, signal) {
      const path = `agents/${agentId}/snapshot`;
      const condition = etag === undefined ? {} : { headers: { "if-none-match": etag }, accepted: [304] };
      const answer = await exchange({ method: "GET", path, ...condition }, signal);
      if (answer.status === 304) return undefined;
      return { snapshot: believed(answer), etag: answer.headers.get("etag") ?? undefined };
    },
    async awaitChange({ agentId, since }, signal) {
      const path = `agents/${agentId}/changes?since=${since}&wait=${WAIT_SECONDS}`;
      const timeoutMs = WAIT_SECONDS * 1_000 + REQUEST_TIMEOUT_MS;
      const answer = refused(await send(parts, { method: "GET", path, timeoutMs }, signal), { path, ...OF_CHANGES });
      if (answer.status === 204) return { kind: "unchanged", pauseMs: pauseMsOf(answer.headers) };
      return { kind: answer.status === 404 ? "unknown" : "changed" };
    },
    async fetchBundle({ id, checksum }, signal) {
      const headers = { accept: "application/yaml" };
      const { bytes } = await exchange({ method: "GET", path: `deployment-objects/${id}`, headers }, signal);
      if (await sha256Hex(bytes) !== checksum) {
        throw new Failure("broker_unavailable", `Cannot fetch deployment object "${id}": its checksum does not match`);
      }
      return new TextDecoder().decode(bytes);
    },
    async beat(agentId, report, signal) {
      await exchange({ method: "POST", path: `agents/${agentId}/heartbeat`, body: report }, signal);
    },
    async report(event, trace, signal) {
      const [name, options] = requestSpan({
        method: "POST",
        server: parts.url,
        template: "/api/v1/agents/{id}/events",
      });
      const span = trace && parts.tracing?.begin(name, { ...options, parent: trace });
      const headers = span ? traceHeaders(span.context) : {};
      const path = `agents/${event.agent_id}/events`;
      const send = () => exchange({ method: "POST", path, body: event, headers }, signal);
      await (span === undefined ? send() : endAfter(span, send, requestOutcome));
    },
  };
}

const OF_CHANGES = { method: "GET", accepted: [404] } as const;

/** How long a broker that stops wants to be left alone. */
function pauseMsOf(headers: Headers): number {
  const seconds = Number(headers.get("retry-after") ?? 0);
  return seconds > 0 ? Math.min(seconds, PAUSE_MAX_SECONDS) * 1_000 : 0;
}

interface Request {
  readonly method: "GET" | "POST";
  /** Below `/api/v1/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Statuses beside 2xx that are no failure. */
  readonly accepted?: readonly number[];
  /** Milliseconds that it may take; {@linkcode REQUEST_TIMEOUT_MS} when left out. */
  readonly timeoutMs?: number;
}

interface Answer {
  readonly path: string;
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

type Exchange = (request: Request, signal: AbortSignal) => Promise<Answer>;

/** One request and its whole answer, judged by status; the listener hears how it ended. */
function exchanger(parts: BrokerClientParts): Exchange {
  function ended(failure?: Failure): void {
    parts.connected.record(failure === undefined ? 1 : 0);
    parts.onExchange?.(failure);
  }
  return async (request, signal) => {
    try {
      const answer = refused(await send(parts, request, signal), request);
      ended();
      return answer;
    } catch (error) {
      if (isFailure(error)) ended(error);
      throw error;
    }
  };
}

async function send(parts: BrokerClientParts, request: Request, outer: AbortSignal): Promise<Answer> {
  const { method, path, body, headers, timeoutMs = REQUEST_TIMEOUT_MS } = request;
  const url = apiUrl(parts.url, path);
  const pak = sendable(await parts.readPak());
  try {
    return await parts.http.run(async ({ client, signal, heard }) => {
      const response = await parts.fetch(url, {
        method,
        headers: {
          ...(body === undefined ? {} : { "content-type": JSON_TYPE }),
          ...headers,
          authorization: `Bearer ${pak}`,
          "user-agent": parts.userAgent,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        redirect: "manual",
        ...{ client, signal },
      });
      heard();
      const bytes = new Uint8Array(await response.arrayBuffer());
      heard();
      return { path, status: response.status, headers: response.headers, bytes };
    }, { timeoutMs, signal: outer });
  } catch (cause) {
    outer.throwIfAborted();
    if (isFailure(cause)) throw cause;
    const fault = parts.explain?.(cause);
    if (fault !== undefined) throw new Failure("broker_unavailable", `Cannot ${method} ${path}: ${fault}`);
    throw new Failure("broker_unavailable", `Cannot ${method} ${path}: no answer came`, { cause });
  }
}

function sendable(pak: string): string {
  if (isHeaderText(pak)) return pak;
  throw new Failure("broker_unavailable", "Cannot send the key: it holds what no header can hold, such as two lines");
}

function refused(answer: Answer, { method, path, accepted = [] }: Request): Answer {
  const { status } = answer;
  if ((status >= 200 && status < 300) || accepted.includes(status)) return answer;
  const isFinal = status >= 400 && status < 500 && !TRANSIENT_STATUSES.has(status);
  const said = ErrorResponse.safeParse(json(answer.bytes)).data; // the broker's own words, where the body has them
  const words = said === undefined ? "" : `, ${said.code}: ${said.message.slice(0, EXPLANATION_MAX)}`;
  const message = `Cannot ${method} ${path}: status is ${status}${words}`;
  const details = { status, ...(said === undefined ? {} : { code: said.code }) };
  throw new Failure(isFinal ? "broker_rejected" : "broker_unavailable", message, { details });
}

/** What is no JSON is not the broker's word: something before it has answered, and the broker is away. */
function believed({ path, bytes }: Answer): Snapshot {
  const body = json(bytes);
  if (body === undefined) throw unreadable(path);
  const { data, error } = Snapshot.safeParse(body);
  if (data !== undefined) return withoutTwins(data);
  const [issue] = error.issues;
  const where = issue === undefined || issue.path.length === 0 ? "the body" : issue.path.join(".");
  throw new Failure("invalid_snapshot", `Cannot believe the snapshot: ${where} is wrong: ${issue?.message}`);
}

/** A stack named twice could be wanted and terminating at once: such a snapshot says nothing. */
function withoutTwins(snapshot: Snapshot): Snapshot {
  const ids = new Set(snapshot.stacks.map((stack) => stack.stack_id));
  if (ids.size === snapshot.stacks.length) return snapshot;
  throw new Failure("invalid_snapshot", "Cannot believe the snapshot: it names a stack twice");
}

function parsed<T>(shape: z.ZodType<T>, { path, bytes }: Answer): T {
  const { data } = shape.safeParse(json(bytes));
  if (data !== undefined) return data;
  throw unreadable(path);
}

function unreadable(path: string): Failure {
  return new Failure("broker_unavailable", `Cannot read the answer of ${path}: it is not what the API promises`);
}

function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}
