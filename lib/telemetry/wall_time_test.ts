import assert from "node:assert/strict";
import { WallTime } from "$lib/telemetry/wall_time.ts";

/** A wall clock of whole milliseconds, as JavaScript's is, `offsetMs` before a monotonic one. */
function wallTime(offsetMs: number) {
  const state = { offsetMs, monotonicMs: 0, pauseMs: 0 };
  const wall = new WallTime({
    now() {
      const now = Math.floor(state.offsetMs + state.monotonicMs);
      state.monotonicMs += state.pauseMs;
      return now;
    },
    monotonic: () => state.monotonicMs,
  });
  return { wall, state };
}

Deno.test("WallTime is right to a twentieth of a millisecond after some readings, and never ahead", () => {
  const { wall, state } = wallTime(1_795_977_416_266.789);

  const errors = Array.from({ length: 100 }, () => {
    state.monotonicMs += 17.37;
    return state.offsetMs - wall.offsetMs();
  });

  assert.ok(errors.every((error) => error >= 0 && error < 1));
  assert.ok((errors.at(-1) ?? 1) < 0.05, `${errors.at(-1)}`);
});

Deno.test("WallTime takes a process that stood still for no clock that was set back", () => {
  const { wall, state } = wallTime(1_795_977_416_266.25);
  const rightMs = wall.offsetMs();

  state.pauseMs = 40;
  const readMs = wall.offsetMs();

  assert.equal(readMs, rightMs);
});

Deno.test("WallTime follows a clock that is set, on or back", () => {
  const { wall, state } = wallTime(1_795_977_416_266.5);
  wall.offsetMs();

  for (const stepMs of [60_000, -120_000, 5, -5]) {
    state.offsetMs += stepMs;
    state.monotonicMs += 0.25;
    assert.ok(Math.abs(wall.offsetMs() - state.offsetMs) < 1, `${stepMs}`);
  }
});
