import assert from "node:assert/strict";
import { checkDeclaration, counter, type Declaration, gauge, histogram } from "$lib/metrics/declaration.ts";

const seconds = { name: "brokkr_x_seconds", help: "X.", unit: "s" } as const;

function faultOf(declaration: Declaration): string {
  try {
    checkDeclaration(declaration);
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
  return "";
}

Deno.test("checkDeclaration() lets through what Prometheus accepts", () => {
  const good = [
    counter({ name: "brokkr_x_total", help: "X.", labels: { result: ["success", "error"], endpoint: "text" } }),
    gauge({ name: "brokkr_stacks_total", help: "X." }),
    histogram({ ...seconds, buckets: [0.5, 1, 2.5] }),
  ];

  assert.deepEqual(good.map(faultOf), ["", "", ""]);
});

Deno.test("checkDeclaration() names every fault of a name at once", () => {
  const fault = faultOf(counter({ name: "brokkr-x", help: "" }));

  assert.equal(
    fault,
    'Cannot register "brokkr-x": its name has letters that Prometheus does not allow, ' +
      "the name of a counter ends in _total, its help is empty",
  );
});

Deno.test("checkDeclaration() refuses labels that Prometheus sets or drops a target for", () => {
  for (const label of ["job", "instance", "le", "quantile", "1st", "__name", "a-b", ""]) {
    const declaration = counter({ name: "x_total", help: "X.", labels: { [label]: "text" } as Record<string, "text"> });

    assert.match(faultOf(declaration), new RegExp(`label "${label}"`));
  }
});

Deno.test("checkDeclaration() refuses a label value given twice and a cap below 1", () => {
  const twice = counter({ name: "x_total", help: "X.", labels: { result: ["a", "a"] } });
  const capped = counter({ name: "x_total", help: "X.", maxSeries: 0 });

  assert.match(faultOf(twice), /label "result" has a value twice/);
  assert.match(faultOf(capped), /maxSeries is less than 1/);
});

Deno.test("checkDeclaration() refuses buckets that do not grow, are not above 0 or not finite", () => {
  for (const buckets of [[], [1, 1], [2, 1], [0, 1], [-1, 1], [1, Infinity], [NaN]]) {
    assert.match(faultOf(histogram({ ...seconds, buckets })), /buckets are not growing/);
  }
});

Deno.test("checkDeclaration() refuses more buckets than a value is sought in", () => {
  const buckets = Array.from({ length: 32 }, (_, at) => at + 1);

  assert.match(faultOf(histogram({ ...seconds, buckets })), /has more than 31 buckets/);
});

Deno.test("checkDeclaration() refuses a histogram that is not named for its unit", () => {
  assert.match(faultOf(histogram({ ...seconds, name: "x", buckets: [1] })), /a histogram ends in _seconds/);
});

Deno.test("counter() does not compile with a label that Prometheus sets itself", () => {
  // @ts-expect-error job belongs to Prometheus
  const job = counter({ name: "x_total", help: "X.", labels: { job: "text" } });
  // @ts-expect-error instance belongs to Prometheus
  const instance = counter({ name: "x_total", help: "X.", labels: { instance: "text" } });

  assert.deepEqual([job, instance].map((one) => faultOf(one) !== ""), [true, true]);
});
