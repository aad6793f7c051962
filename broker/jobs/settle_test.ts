import assert from "node:assert/strict";
import type { SettlingStore } from "../store/mod.ts";
import { settle } from "./settle.ts";

/** A store with so many turns of work. */
function work(turns: number) {
  const calls: string[] = [];
  let ask: () => void = () => {};
  const settling: SettlingStore = {
    onLeft: (left) => ask = left,
    sweep: () => Promise.resolve(calls.push("sweep")),
    settleNext() {
      calls.push("settle");
      turns -= 1;
      return Promise.resolve(turns >= 0);
    },
  };
  const notices = { flush: () => Promise.resolve() };
  return { store: { settling, notices }, calls, ask: () => ask() };
}

Deno.test("settle() looks for what was forgotten, and goes on until nothing is left", async () => {
  const { store, calls } = work(2);

  const result = await settle(store).runOnce(new AbortController().signal);

  assert.equal(result, "success");
  assert.deepEqual(calls, ["sweep", "settle", "settle", "settle"]);
});

Deno.test("settle() ends between two turns when the broker stops", async () => {
  const { store, calls } = work(1_000);
  const stopping = new AbortController();
  const { settleNext } = store.settling;
  const settling = { ...store.settling, settleNext: () => (stopping.abort(), settleNext()) };

  await settle({ ...store, settling }).runOnce(stopping.signal);

  assert.deepEqual(calls, ["sweep", "settle"]);
});

Deno.test("settle() is woken by what is left, while it runs too, and by nothing else", async () => {
  const { store, ask } = work(0);
  const job = settle(store);
  const woken: string[] = [];
  const { signal } = new AbortController();

  await job.runOnce(signal);
  const waiting = job.wake?.(signal).then(() => woken.push("woken"));
  await Promise.resolve();
  assert.deepEqual(woken, []);
  ask();
  await waiting;

  assert.deepEqual(woken, ["woken"]);
});
