import assert from "node:assert/strict";
import { AbortListeners } from "./abort_listeners.ts";

/** A signal, what aborts it, and how many listeners it has itself. */
function countedSignal() {
  const controller = new AbortController();
  const { signal } = controller;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  const counts = { added: 0, removed: 0 };
  signal.addEventListener = (...[type, listener, options]: Parameters<typeof add>) => {
    counts.added += 1;
    add(type, listener, options);
  };
  signal.removeEventListener = (...[type, listener, options]: Parameters<typeof remove>) => {
    counts.removed += 1;
    remove(type, listener, options);
  };
  return { signal, counts, abort: () => controller.abort() };
}

Deno.test("AbortListeners gives a signal one listener, however many wait for it", () => {
  const { signal, counts, abort } = countedSignal();
  const listeners = new AbortListeners();
  const heard: number[] = [];

  for (let one = 0; one < 1_000; one += 1) listeners.on(signal, () => heard.push(one));
  abort();

  assert.deepEqual(heard, Array.from({ length: 1_000 }, (_, one) => one));
  assert.equal(counts.added, 1);
});

Deno.test("AbortListeners calls nobody who left, and leaves nothing with the signal when all have", () => {
  const { signal, counts, abort } = countedSignal();
  const listeners = new AbortListeners();
  const heard: string[] = [];

  const [leaveFirst, leaveSecond] = ["first", "second"].map((name) => listeners.on(signal, () => heard.push(name)));
  leaveFirst?.();
  leaveFirst?.();
  assert.equal(counts.removed, 0);
  leaveSecond?.();
  assert.deepEqual(counts, { added: 1, removed: 1 });
  listeners.on(signal, () => heard.push("third"));
  abort();

  assert.deepEqual(heard, ["third"]);
  assert.equal(counts.added, 2);
});

Deno.test("AbortListeners calls nobody who leaves while the others hear", () => {
  const { signal, abort } = countedSignal();
  const listeners = new AbortListeners();
  const heard: string[] = [];

  listeners.on(signal, () => {
    heard.push("first");
    leaveSecond();
  });
  const leaveSecond = listeners.on(signal, () => heard.push("second"));
  abort();

  assert.deepEqual(heard, ["first"]);
});

Deno.test("AbortListeners tells signals apart", () => {
  const [one, other] = [countedSignal(), countedSignal()];
  const listeners = new AbortListeners();
  const heard: string[] = [];

  listeners.on(one.signal, () => heard.push("one"));
  listeners.on(other.signal, () => heard.push("other"));
  other.abort();

  assert.deepEqual(heard, ["other"]);
});
