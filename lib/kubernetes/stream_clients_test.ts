import assert from "node:assert/strict";
import type { ReplaceableClient } from "../http_client.ts";
import { createStreamClients } from "./stream_clients.ts";

/** Clients of a test, and which of them are closed. */
function counted() {
  const closed: boolean[] = [];
  const clients = createStreamClients(() => {
    const at = closed.push(false) - 1;
    return { close: () => closed[at] = true } as unknown as ReplaceableClient;
  });
  return { closed, clients };
}

Deno.test("createStreamClients() gives a client fifty streams at most, and closes it with the last of them", () => {
  const { clients, closed } = counted();
  const streams = Array.from({ length: 51 }, () => new AbortController());

  for (const { signal } of streams) clients.take(signal);
  const made = closed.length;
  streams[50]?.abort();
  const afterOne = [...closed];
  streams.slice(1).forEach((stream) => stream.abort());
  const rest = [...closed];
  clients.take(new AbortController().signal);
  streams[0]?.abort();

  assert.equal(made, 2);
  assert.deepEqual(afterOne, [false, true]);
  assert.deepEqual(rest, [false, true]);
  assert.deepEqual(closed, [false, true]);
});

Deno.test("createStreamClients() closes every client when it is closed, and none of them twice", () => {
  const { clients, closed } = counted();
  const stream = new AbortController();
  clients.take(stream.signal);

  clients.close();
  closed.fill(false);
  stream.abort();

  assert.deepEqual(closed, [false]);
});
