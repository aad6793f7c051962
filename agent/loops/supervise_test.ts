import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { supervise } from "./supervise.ts";

const DOWN = new Failure("broker_unavailable", "Cannot poll: it is down");

/** Runs a loop whose turns reject with `errors`, in order, then ends it; what was logged and slept. */
async function supervised(...errors: unknown[]) {
  const clock = new ManualClock({ skipsSleeps: true });
  const stop = new AbortController();
  const levels: string[] = [];
  const say = (level: string) => () => levels.push(level);
  const log: Log = { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
  const turn = () => {
    if (errors.length === 0) stop.abort();
    return errors.length === 0 ? Promise.resolve() : Promise.reject(errors.shift());
  };
  await supervise({ name: "sync", intervalMs: 10_000, turn }, { log, clock, random: () => 0.5 }, stop.signal);
  return { levels, slept: clock.slept };
}

Deno.test("supervise() goes on after whatever a turn throws, pausing from 1 s to 60 s", async () => {
  const { slept } = await supervised(DOWN, new Error("a bug"), "a string", undefined, DOWN, DOWN, DOWN, DOWN);

  assert.deepEqual(slept.slice(0, 8), [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
});

Deno.test("supervise() warns of what may pass, and calls for a person where waiting does not help", async () => {
  const wrongKey = new Failure("broker_unavailable", "Cannot poll", { details: { status: 401 } });
  const { levels } = await supervised(DOWN, wrongKey, new Failure("broker_rejected", "Cannot poll"));

  assert.deepEqual(levels, ["warn", "error", "error"]);
});
