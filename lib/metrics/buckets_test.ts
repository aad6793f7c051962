import assert from "node:assert/strict";
import { fc } from "../../tests/fakes/fast_check.ts";
import { Buckets, MAX_BOUNDS } from "$lib/metrics/buckets.ts";

Deno.test("Buckets finds the first bound that is not below a value, for any bounds that a histogram may have", () => {
  const bounds = fc.uniqueArray(fc.double({ min: 0.001, max: 10, noNaN: true }), {
    minLength: 1,
    maxLength: MAX_BOUNDS,
  })
    .map((numbers) => numbers.sort((a, b) => a - b));

  fc.assert(fc.property(bounds, fc.double({ min: 0, max: 11, noNaN: true }), (limits, value) => {
    const buckets = new Buckets(limits);
    for (const one of [value, ...limits, Infinity]) {
      const first = limits.findIndex((limit) => one <= limit);
      assert.equal(buckets.placeOf(one), first < 0 ? limits.length : first);
    }
  }));
});
