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
  /** Where the API server is, without a slash at its end. */
  readonly server: string;
  readonly userAgent: string;
  /** Makes a client with connections of its own. */
  readonly makeClient: () => Deno.HttpClient;
}

/** Deno's own `fetch`: the Kubernetes package's stock transport is seven times slower. */
export function openTransport({ server, userAgent, makeClient }: TransportParts): Transport {
  const client = makeClient();
  const streams = createStreamClients(makeClient);
  const send = ({ method, path, headers, body }: HttpRequest, signal: AbortSignal, client: Deno.HttpClient) =>
    fetch(`${server}${path}`, {
      ...{ method, body, signal, client },
      headers: { ...headers, "user-agent": userAgent },
    });
  return {
    async exchange(request, signal) {
      const response = await send(request, signal, client);
      const text = await response.text();
      return { status: response.status, headers: Object.fromEntries(response.headers), text };
    },
    async openStream(request, signal) {
      const { status, headers, body } = await send(request, signal, streams.take(signal));
      return { status, headers: Object.fromEntries(headers), body: body ?? new ReadableStream() };
    },
    close() {
      client.close();
      streams.close();
    },
  };
}
