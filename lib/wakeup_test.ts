import assert from "node:assert/strict";
import { ManualClock } from "../tests/fakes/manual_clock.ts";
import { Wakeup } from "./wakeup.ts";

Deno.test("wait() ends at once where the signal has aborted already, and where it aborts", async () => {
  const wakeup = new Wakeup();
  const stopping = new AbortController();

  const waiting = wakeup.wait(stopping.signal);
  stopping.abort();

  assert.equal(await waiting, undefined);
  assert.equal(await wakeup.wait(stopping.signal), undefined);
});

Deno.test("wait() ends later where runs have become slow, sooner where they are quick again", async () => {
  const clock = new ManualClock();
  const wakeup = new Wakeup({ clock, pauseMinMs: 1_000 });
  let isOver = false;
  wakeup.starts();
  wakeup.slowTo(4_000);

  const waiting = wakeup.wait(new AbortController().signal).then(() => isOver = true);
  wakeup.ask();
  await clock.advance(3_999);
  assert.equal(isOver, false);
  await clock.advance(1);
  await waiting;
  wakeup.starts();
  wakeup.slowTo(0);
  wakeup.ask();

  assert.equal(await wakeup.wait(new AbortController().signal), undefined);
});

Deno.test("wait() ends when a run was asked for, and not before its pause is over", async () => {
  const clock = new ManualClock();
  const wakeup = new Wakeup({ clock, pauseMinMs: 1_000 });
  let isOver = false;
  wakeup.starts();

  const waiting = wakeup.wait(new AbortController().signal).then(() => isOver = true);
  wakeup.ask();
  await clock.advance(999);
  assert.equal(isOver, false);
  await clock.advance(1);

  assert.equal(await waiting, true);
});

Deno.test("wait() leaves whoever rests to its back-off, until the next run begins", async () => {
  const wakeup = new Wakeup();
  const backingOff = new AbortController();
  let isOver = false;
  wakeup.starts();
  wakeup.rest();

  wakeup.ask();
  const waiting = wakeup.wait(backingOff.signal).then(() => isOver = true);
  await Promise.resolve();
  assert.equal(isOver, false);
  backingOff.abort();
  await waiting;
  assert.equal(wakeup.starts(), true);
  wakeup.ask();

  assert.equal(await wakeup.wait(new AbortController().signal), undefined);
});
