import type { Clock } from "$lib/clock.ts";
import { type Connection, createReplaceableClient, type HttpClientOptions } from "$lib/http_client.ts";
import type { Log } from "$lib/log.ts";
import type { Exchange, HttpRequest, OpenStream } from "./exchange.ts";
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

/** Milliseconds that an answer may take until it is read; one that goes on, until it begins. */
const REQUEST_TIMEOUT_MS = 30_000;

/** Deno's own `fetch`: the Kubernetes package's stock transport is seven times slower. */
export function openTransport({ server, clientOptions, userAgent, clock, log }: TransportParts): Transport {
  const makeClient = () => createReplaceableClient({ options: clientOptions, clock, log });
  const requests = makeClient();
  const streams = createStreamClients(makeClient);
  const send = ({ method, path, headers, body }: HttpRequest, to: Pick<Connection, "client" | "signal">) =>
    fetch(`${server()}${path}`, { method, body, ...to, headers: pairs({ ...headers, "user-agent": userAgent }) });
  return {
    exchange(request, signal) {
      return requests.run(async ({ client, signal, heard }) => {
        const response = await send(request, { client, signal });
        heard();
        const text = await response.text();
        heard();
        return { status: response.status, headers: Object.fromEntries(response.headers), text };
      }, { timeoutMs: REQUEST_TIMEOUT_MS, signal });
    },
    openStream(request, signal) {
      return streams.take(signal).open(async ({ client, signal, heard, silentFor }) => {
        const response = await send(request, { client, signal });
        heard();
        const text = response.status < 400 ? "" : await response.text();
        const { status, headers, body } = response;
        const stream = body ?? new ReadableStream<Uint8Array<ArrayBuffer>>();
        return { status, headers: Object.fromEntries(headers), text, body: stream, connection: { heard, silentFor } };
      }, { timeoutMs: REQUEST_TIMEOUT_MS, signal });
    },
    close() {
      requests.close();
      streams.close();
    },
  };
}

/** One pair for each value: the API server does not take a list of groups in one header. */
function pairs(headers: HttpRequest["headers"]): [string, string][] {
  return Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value): [string, string] => [name, value])
  );
}
