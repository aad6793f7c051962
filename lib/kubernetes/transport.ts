import type { Clock } from "$lib/clock.ts";
import { type Connection, createReplaceableClient, type HttpClientOptions } from "$lib/http_client.ts";
import type { Log } from "$lib/log.ts";
import type { Exchange, HttpAnswer, HttpRequest, OpenStream } from "./exchange.ts";
import { createStreamClients } from "./stream_clients.ts";

/** How requests reach the API server. */
export interface Transport {
  readonly exchange: Exchange;
  readonly openStream: OpenStream;
  /** Ends idle connections. */
  close(): void;
}

/** What a transport is made of. */
export interface TransportParts {
  /** Where the API server is now, without a slash at its end. */
  readonly server: () => string;
  readonly clientOptions: () => HttpClientOptions;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Milliseconds that the answer to a read may take until it is there; one that goes on, until it begins. */
const READ_TIMEOUT_MS = 30_000;
/**
 * The same of a write, dry runs too. A webhook is waited for 30 s at most: the API server's own answer, which names it,
 * comes after that.
 */
const WRITE_TIMEOUT_MS = 40_000;
/**
 * From this length on a body leaves, over TLS, in a packet of its own, which waits until the one with the headers is
 * acknowledged (Nagle's algorithm, which can't be switched off here): by itself that takes 40 ms, as long as there is
 * nothing else to say. A server that is asked to say `100 Continue` has something to say at once.
 */
const OWN_PACKET_CHARACTERS = 1_000;
/** The answer of whoever does not know what is expected. */
const EXPECTATION_FAILED = 417;

/** Deno's own `fetch`: the Kubernetes package's stock transport is seven times slower. */
export function openTransport({ server, clientOptions, userAgent, clock, log }: TransportParts): Transport {
  const makeClient = () => createReplaceableClient({ to: "API server", options: clientOptions, clock, log });
  const requests = makeClient();
  const streams = createStreamClients(makeClient);
  const sendOnce = ({ method, path, headers, body }: HttpRequest, to: SendOptions) =>
    fetch(`${server()}${path}`, { method, body, ...to, headers: pairs({ ...headers, "user-agent": userAgent }) });
  const send = async (request: HttpRequest, to: SendOptions) => {
    const { headers, body = "" } = request;
    if (body.length < OWN_PACKET_CHARACTERS || !server().startsWith("https:")) return await sendOnce(request, to);
    const response = await sendOnce({ ...request, headers: { ...headers, expect: "100-continue" } }, to);
    if (response.status !== EXPECTATION_FAILED) return response;
    await response.body?.cancel();
    return await sendOnce(request, to);
  };
  return {
    exchange(request, signal) {
      return requests.run(async ({ client, signal, heard }) => {
        const response = await send(request, { client, signal });
        heard();
        const text = await response.text();
        heard();
        return { status: response.status, headers: headersOf(response), text };
      }, { timeoutMs: request.method === "GET" ? READ_TIMEOUT_MS : WRITE_TIMEOUT_MS, signal });
    },
    openStream(request, signal) {
      return streams.take(signal).open(async ({ client, signal, heard, silentFor }) => {
        const response = await send(request, { client, signal });
        heard();
        const text = response.status < 400 ? "" : await response.text();
        const { status, body } = response;
        const stream = body ?? new ReadableStream<Uint8Array<ArrayBuffer>>();
        return { status, headers: headersOf(response), text, body: stream, connection: { heard, silentFor } };
      }, { timeoutMs: READ_TIMEOUT_MS, signal });
    },
    close() {
      requests.close();
      streams.close();
    },
  };
}

type SendOptions = Pick<Connection, "client" | "signal">;

/** Thousands of answers a minute say nothing there that anybody asks for. */
function headersOf({ status, headers }: Response): HttpAnswer["headers"] {
  return status < 400 ? {} : Object.fromEntries(headers);
}

/** One pair for each value: the API server does not take a list of groups in one header. */
function pairs(headers: HttpRequest["headers"]): [string, string][] {
  const all: [string, string][] = [];
  for (const [name, values] of Object.entries(headers)) {
    if (typeof values === "string") all.push([name, values]);
    else for (const value of values) all.push([name, value]);
  }
  return all;
}
