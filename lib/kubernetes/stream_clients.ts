import type { ReplaceableClient } from "$lib/http_client.ts";

/** HTTP clients that share out streams among them. */
export interface StreamClients {
  /** A client for a stream that is over when the signal aborts. */
  take(signal: AbortSignal): ReplaceableClient;
  close(): void;
}

/**
 * An API server allows 100 streams on a connection, and Deno opens one to a host: more would wait for the others' end.
 */
const STREAMS_PER_CLIENT = 50;

interface StreamClient {
  readonly client: ReplaceableClient;
  open: number;
}

/** Clients made when they are needed; one that has no stream any more is closed. */
export function createStreamClients(makeClient: () => ReplaceableClient): StreamClients {
  const clients = new Set<StreamClient>();
  function free(one: StreamClient): void {
    one.open -= 1;
    if (one.open === 0 && clients.delete(one)) one.client.close();
  }
  return {
    take(signal) {
      const one = [...clients].find(({ open }) => open < STREAMS_PER_CLIENT) ?? { client: makeClient(), open: 0 };
      clients.add(one);
      one.open += 1;
      signal.addEventListener("abort", () => free(one), { once: true });
      return one.client;
    },
    close() {
      for (const { client } of clients) client.close();
      clients.clear();
    },
  };
}
