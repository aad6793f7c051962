import assert from "node:assert/strict";
import { refusalOf, withoutValues } from "./refusal.ts";

Deno.test("withoutValues() cuts off every value that the API server quotes", () => {
  const typed =
    "failed to create typed patch object: .stringData.pin: expected string, got &value.valueUnstructured{Value:4711}";
  const invalid = 'Secret "s" is invalid: data[a]: Invalid value: "hunter2": must be no more than 1048576';

  assert.equal(withoutValues(typed), "failed to create typed patch object: .stringData.pin: expected string, got ***");
  assert.equal(withoutValues(invalid), 'Secret "s" is invalid: data[a]: Invalid value: ***');
  assert.equal(withoutValues('namespaces "x" not found'), 'namespaces "x" not found');
});

Deno.test("refusalOf() names the status when the answer is no Status object", () => {
  const { message, reason, retryAfterMs } = refusalOf({ status: 502, headers: {}, text: "<html>bad gateway</html>" });

  assert.deepEqual([message, reason, retryAfterMs], ["the API server answered with status 502", "", undefined]);
});
