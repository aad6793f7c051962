import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { unlessAborted } from "$lib/clock.ts";
import { countingMetrics } from "../../tests/fakes/counting_metrics.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import type { HttpRequest, HttpStream } from "./exchange.ts";
import { createLineSource } from "./line_source.ts";
import type { WatchEvent } from "./types.ts";
import { watchMetadata } from "./watches.ts";

const SECRETS = { apiVersion: "v1", kind: "Secret", resource: "secrets", namespaced: true, verbs: [] };

/** A watch over an API server that answers so, piece by piece; without an end unless one is said. */
function watching(pieces: readonly (string | Error)[], { status = 200, isEnded = true } = {}) {
  const clock = new ManualClock();
  const { metrics, counts } = countingMetrics();
  const asked: (HttpRequest & { readonly signal: AbortSignal })[] = [];
  const heard: number[] = [];
  const stopping = new AbortController();
  const openStream = (request: HttpRequest, signal: AbortSignal): Promise<HttpStream> => {
    asked.push({ ...request, signal });
    const connection = { heard: () => heard.push(0), silentFor: (ms: number) => heard.push(ms) };
    const body = bodyOf(status < 400 ? pieces : [], isEnded);
    return Promise.resolve({ status, headers: {}, text: status < 400 ? "" : pieces.join(""), body, connection });
  };
  const authorize = () => Promise.resolve({ authorization: "Bearer t" });
  const source = createLineSource({ openStream, authorize, metrics, clock });
  const { signal } = stopping;
  const events = watchMetadata(source, SECRETS, { namespace: "n", labelSelector: "a", resourceVersion: "7", signal });
  return { events, asked, counts, clock, stopping, heard };
}

function bodyOf(pieces: readonly (string | Error)[], isEnded: boolean): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) {
        if (piece instanceof Error) return controller.error(piece);
        for (const byte of new TextEncoder().encode(piece)) controller.enqueue(Uint8Array.of(byte));
      }
      if (isEnded) controller.close();
    },
  });
}

function eventLine(type: string, metadata: unknown): string {
  return `${JSON.stringify({ type, object: { kind: "PartialObjectMetadata", metadata } })}\n`;
}

async function all(events: AsyncIterable<WatchEvent>): Promise<readonly string[]> {
  const seen: string[] = [];
  for await (const { type, object } of events) seen.push(`${type} ${object.kind} ${object.metadata.name}`);
  return seen;
}

Deno.test("watchMetadata() gives each change, however the bytes are cut, until the server ends it", async () => {
  const lines = eventLine("ADDED", { name: "ä" }) + eventLine("MODIFIED", { name: "b" }) +
    eventLine("SOMETHING", {}) + eventLine("DELETED", { name: "b" }) + eventLine("BOOKMARK", { resourceVersion: "9" });
  const { events, asked, counts } = watching([lines]);

  assert.deepEqual(await all(events), [
    "added Secret ä",
    "modified Secret b",
    "deleted Secret b",
    "bookmark Secret undefined",
  ]);
  assert.deepEqual(asked.map(({ path }) => path), [
    "/api/v1/namespaces/n/secrets?labelSelector=a&watch=true&allowWatchBookmarks=true&resourceVersion=7",
  ]);
  assert.deepEqual(counts(), { "watch success": 1 });
});

Deno.test("watchMetadata() keeps of managed fields those of ours alone", async () => {
  const managedFields = [{ manager: "brokkr-controller", fieldsV1: {} }, { manager: "m", fieldsV1: {} }];
  const { events } = watching([eventLine("ADDED", { name: "a", managedFields })]);

  for await (const { object } of events) {
    assert.deepEqual(object.metadata.managedFields, [managedFields[0], { manager: "m" }]);
  }
});

Deno.test("watchMetadata() of a version that is too old is a refusal of status 410, said at once or in an event", async () => {
  const status = { kind: "Status", code: 410, reason: "Expired", message: "too old resource version: 7 (90)" };
  const inEvent = watching([`${JSON.stringify({ type: "ERROR", object: status })}\n`]);
  const atOnce = watching([JSON.stringify(status)], { status: 410 });

  for (const { events } of [inEvent, atOnce]) {
    await assert.rejects(all(events), {
      code: "kubernetes_rejected",
      message: "Cannot watch secrets: too old resource version: 7 (90)",
      details: { status: 410, reason: "Expired", message: status.message },
    });
  }
  assert.deepEqual([inEvent.counts(), atOnce.counts()], [{ "watch success": 1 }, { "watch refused": 1 }]);
});

Deno.test("watchMetadata() says so when its connection breaks", async () => {
  const { events } = watching([new TypeError("connection reset")]);

  await assert.rejects(all(events), {
    code: "kubernetes_unavailable",
    message: "Cannot watch secrets: the API server does not answer any more",
  });
});

Deno.test("watchMetadata() gives up a watch that is silent for ninety seconds, and ends its request", async () => {
  const { events, clock, asked, heard } = watching([eventLine("ADDED", { name: "a" })], { isEnded: false });
  const iterator = events[Symbol.asyncIterator]();
  await iterator.next();

  const silent = assert.rejects(iterator.next(), { code: "kubernetes_unavailable" });
  await clock.advance(89_999);
  assert.equal(asked[0]?.signal.aborted, false);
  await clock.advance(1);

  await silent;
  assert.deepEqual([asked[0]?.signal.aborted, clock.pending], [true, 0]);
  assert.equal(heard.at(-1), 90_000);
  assert.ok(heard.slice(0, -1).length > 0 && heard.slice(0, -1).every((ms) => ms === 0));
});

Deno.test("watchMetadata() gives up a watch of which bytes trickle, and no event comes, and none whose events do", async () => {
  const clock = new ManualClock();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const write = async (text: string, thenMs: number) => {
    await writer.write(new TextEncoder().encode(text));
    await clock.advance(thenMs);
  };
  const connection = { heard() {}, silentFor() {} };
  const openStream = () => Promise.resolve({ status: 200, headers: {}, text: "", body: readable, connection });
  const authorize = () => Promise.resolve({});
  const source = createLineSource({ openStream, authorize, metrics: countingMetrics().metrics, clock });
  const { signal } = new AbortController();
  const seen: string[] = [];
  const watching = (async () => {
    const options = { resourceVersion: "7", signal };
    for await (const { object } of watchMetadata(source, SECRETS, options)) seen.push(object.metadata.name);
  })();
  const ended = assert.rejects(watching, { code: "kubernetes_unavailable" });

  for (const name of ["a", "b", "c"]) await write(eventLine("ADDED", { name }), 60_000);
  await write("\n{", 29_999);
  const late = clock.pending;
  await clock.advance(1);

  await ended;
  assert.deepEqual([seen, late, clock.pending], [["a", "b", "c"], 1, 0]);
});

Deno.test("watchMetadata() ends with the signal's reason, and its request with whoever reads no more", async () => {
  const stopped = watching([eventLine("ADDED", { name: "a" })], { isEnded: false });
  const left = watching([eventLine("ADDED", { name: "a" })], { isEnded: false });

  await assert.rejects(async () => {
    for await (const _ of stopped.events) stopped.stopping.abort(new Error("stopping"));
  }, /stopping/);
  for await (const _ of left.events) break;

  for (const { asked, clock } of [stopped, left]) {
    assert.deepEqual([asked[0]?.signal.aborted, clock.pending], [true, 0]);
  }
});

Deno.test("watchMetadata() asks who it is anew where the API server does not know it, once, and calls that no refusal", async () => {
  const { events, asked, counts } = watching(['{"kind":"Status","reason":"Unauthorized"}'], { status: 401 });

  await assert.rejects(all(events), { code: "kubernetes_unavailable" });

  assert.equal(asked.length, 2);
  assert.deepEqual(counts(), { "watch error": 2 });
});

Deno.test("watchMetadata() counts no watch that is cut short before it is open, and as an error one that nobody answers", async () => {
  const cutShort = opening();
  const unanswered = opening();

  const ends = [cutShort, unanswered].map(({ opened }) => assert.rejects(opened));
  await setImmediate();
  cutShort.stopping.abort(new Error("stopping"));
  unanswered.fail(new TypeError("connection refused"));

  await Promise.all(ends);
  assert.deepEqual([cutShort.counts(), unanswered.counts()], [{}, { "watch error": 1 }]);
});

/** A watch over an API server that does not answer. */
function opening() {
  const { metrics, counts } = countingMetrics();
  const { promise, reject: fail } = Promise.withResolvers<HttpStream>();
  const openStream = (_: HttpRequest, signal: AbortSignal) => unlessAborted(promise, signal);
  const authorize = () => Promise.resolve({});
  const source = createLineSource({ openStream, authorize, metrics, clock: new ManualClock() });
  const stopping = new AbortController();
  const opened = all(watchMetadata(source, SECRETS, { resourceVersion: "7", signal: stopping.signal }));
  return { opened, counts, fail, stopping };
}
