import assert from "node:assert/strict";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import type { Connect } from "./driver.ts";
import { serverNotices } from "./notices.ts";

/** A server that takes so long for each echo, and when it was sent each. */
function echoing(clock: ManualClock, tookMs: number) {
  const sentMs: number[] = [];
  const connect: Connect = () => ({
    run: () => Promise.resolve([]),
    async command(text) {
      if (!text.startsWith("notify")) return;
      sentMs.push(clock.monotonic());
      await clock.sleep(tookMs);
    },
    begin: () => Promise.reject(new Error("nothing is in a transaction here")),
    end: () => Promise.resolve(),
  });
  return { sentMs, connect };
}

for (
  const { tookMs, everyMs } of [{ tookMs: 10, everyMs: 500 }, { tookMs: 400, everyMs: 500 }, {
    tookMs: 700,
    everyMs: 700,
  }]
) {
  Deno.test(`serverNotices() sends itself a notice each ${everyMs} ms where the server takes ${tookMs} for it`, async () => {
    const clock = new ManualClock();
    const { sentMs, connect } = echoing(clock, tookMs);
    const stop = new AbortController();
    const listener = { onNotice: () => {}, onState: () => {} };
    const listening = serverNotices({ connect, clock, log: silentLog() }).listen("changes", listener, stop.signal);

    for (let step = 0; step < 25; step += 1) await clock.advance(100);
    stop.abort();
    await clock.advance(10_000);
    await listening;

    assert.deepEqual(sentMs.slice(0, 4), [0, 1, 2, 3].map((turn) => turn * everyMs));
  });
}
