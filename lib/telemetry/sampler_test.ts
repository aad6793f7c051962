import assert from "node:assert/strict";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { createSampler, type SamplingSettings } from "$lib/telemetry/sampler.ts";

const PARENT = { traceId: "1".repeat(32), spanId: "1".repeat(16) };
const [SAMPLED, UNSAMPLED] = [{ ...PARENT, traceFlags: 1 }, { ...PARENT, traceFlags: 0 }];

function sampler(settings: Partial<SamplingSettings> = {}) {
  const clock = new ManualClock();
  const dice = { next: 0.5, thrown: 0 };
  const random = () => {
    dice.thrown += 1;
    return dice.next;
  };
  const all = { ratio: 0, followsParent: true, maxFollowedPerSecond: 10, ...settings };
  return { samples: createSampler({ ...all, clock, random }), clock, dice };
}

Deno.test("createSampler() samples what nobody decided by its ratio", () => {
  const { samples, dice } = sampler({ ratio: 0.25 });

  const drawn = [0, 0.2499, 0.25, 0.9999].map((next) => {
    dice.next = next;
    return samples("admin");
  });

  assert.deepEqual(drawn, [true, true, false, false]);
});

Deno.test("createSampler() samples everything at ratio 1, and at 0 nothing, without a throw", () => {
  const [all, none] = [sampler({ ratio: 1 }), sampler()];
  [all.dice.next, none.dice.next] = [1 - Number.EPSILON, 0];

  assert.deepEqual([all.samples("admin"), none.samples("admin"), none.dice.thrown], [true, false, 0]);
});

Deno.test("createSampler() follows a caller's decision either way, whatever its ratio", () => {
  const [all, none] = [sampler({ ratio: 1 }), sampler({ ratio: 0 })];

  assert.deepEqual([none.samples("a", SAMPLED), none.samples("a", UNSAMPLED)], [true, false]);
  assert.deepEqual([all.samples("a", SAMPLED), all.samples("a", UNSAMPLED)], [true, false]);
});

Deno.test("createSampler() follows each caller so often in a second, and leaves the rest to its ratio", async () => {
  const { samples, clock, dice } = sampler({ ratio: 0.1, maxFollowedPerSecond: 2 });
  const three = (caller: string) => [1, 2, 3].map(() => samples(caller, SAMPLED));

  assert.deepEqual([three("a"), three("b")], [[true, true, false], [true, true, false]]);
  dice.next = 0.05;
  assert.equal(samples("a", SAMPLED), true);
  dice.next = 0.5;
  await clock.advance(999);
  assert.equal(samples("a", SAMPLED), false);
  await clock.advance(1);
  assert.deepEqual(three("a"), [true, true, false]);
});

Deno.test("createSampler() that follows nobody takes every request for one that nobody decided", () => {
  const [all, none] = [sampler({ ratio: 1, followsParent: false }), sampler({ followsParent: false })];

  assert.deepEqual([all.samples("a", UNSAMPLED), none.samples("a", SAMPLED)], [true, false]);
});
