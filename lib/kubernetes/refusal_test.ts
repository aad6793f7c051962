import assert from "node:assert/strict";
import { refusalOf, withoutValues } from "./refusal.ts";

Deno.test("withoutValues() cuts off every value that the API server quotes", () => {
  const typed =
    "failed to create typed patch object: .stringData.pin: expected string, got &value.valueUnstructured{Value:4711}";
  const invalid = 'Secret "s" is invalid: data[a]: Invalid value: "hunter2": must be no more than 1048576';

  assert.equal(withoutValues(typed), "failed to create typed patch object: .stringData.pin: expected string, got ***");
  assert.equal(withoutValues(invalid), 'Secret "s" is invalid: data[a]: Invalid value: ***');
  const others = [
    'Secret "s" is invalid: data[a]: Not found: ',
    'admission webhook "w" denied the request: ',
    "secrets \"s\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: ",
    'Internal error occurred: failed calling webhook "w": failed to call webhook: an error on the server ',
  ];
  for (const words of others) assert.equal(withoutValues(`${words}"hunter2" is weak`), `${words}***`);
  assert.equal(withoutValues('namespaces "x" not found'), 'namespaces "x" not found');
});

Deno.test("refusalOf() names the status when the answer is no Status object", () => {
  const { message, reason, retryAfterMs } = refusalOf({ status: 502, headers: {}, text: "<html>bad gateway</html>" });

  assert.deepEqual([message, reason, retryAfterMs], ["the API server answered with status 502", "", undefined]);
});
