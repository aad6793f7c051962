import assert from "node:assert/strict";
import { inFewWords, ofSecret, refusalOf, withoutValues } from "./refusal.ts";

Deno.test("withoutValues() cuts off every value that the API server quotes", () => {
  const typed =
    "failed to create typed patch object: .stringData.pin: expected string, got &value.valueUnstructured{Value:4711}";
  const invalid = 'Secret "s" is invalid: data[a]: Invalid value: "hunter2": must be no more than 1048576';

  assert.equal(withoutValues(typed), "failed to create typed patch object: .stringData.pin: expected string, got ***");
  assert.equal(withoutValues(invalid), 'Secret "s" is invalid: data[a]: Invalid value: ***');
  assert.equal(
    withoutValues('Secret "s" is invalid: type: Invalid value: "x: y": field is immutable'),
    'Secret "s" is invalid: type: Invalid value: ***: field is immutable',
  );
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

Deno.test("refusalOf() reads how long to wait in seconds, and as a time by the server's own clock", () => {
  const date = "Wed, 21 Oct 2026 07:28:00 GMT";
  const asked = ["7", "86400", "Wed, 21 Oct 2026 07:28:20 GMT", "Wed, 21 Oct 2026 07:27:00 GMT", "soon", "-3", ""];

  const ms = asked.map((after) => {
    const headers = { "retry-after": after, date };
    return refusalOf({ status: 429, headers, text: "" }).retryAfterMs;
  });

  assert.deepEqual(ms, [7_000, 300_000, 20_000, 0, undefined, undefined, undefined]);
});

const STRUCTURE = `{"Spec":{"Containers":[{"Name":"m","Env":[{"Name":"A","Value":"x: y"}]}],"Notes":"${
  "z".repeat(2_000)
}"}}`;

Deno.test("inFewWords() of an immutable field is its path and what is wrong, in one line", () => {
  const cause = { field: "spec.template", message: `Invalid value: ${STRUCTURE}: field is immutable` };
  const message = `Job.batch "m" is invalid: spec.template: Invalid value: ${STRUCTURE}: field is immutable`;

  assert.equal(
    inFewWords({ message, causes: [cause] }),
    'Job.batch "m" is invalid: spec.template: field is immutable',
  );
});

Deno.test("inFewWords() of a change that is forbidden leaves out what would change", () => {
  const words = "Forbidden: spec is immutable after creation except resources.requests for bound claims";
  const cause = {
    field: "spec",
    message: `${words}\n@@ -10,7 +10,7 @@\n- "Value": "hunter2",\n+ "Value": "b",\n  "D": null,\n`,
  };
  const message = `PersistentVolumeClaim "p" is invalid: spec: ${cause.message}`;

  assert.equal(inFewWords({ message, causes: [cause] }), `PersistentVolumeClaim "p" is invalid: spec: ${words}`);
});

Deno.test("inFewWords() names ten fields, says how many more there are, and keeps what is short", () => {
  const causes = Array.from({ length: 12 }, (_, index) => ({
    field: `spec.ports[${index}]`,
    message: index === 0 ? 'Invalid value: "A_b": is no name' : `Invalid value: ${STRUCTURE}: is taken`,
  }));
  const message = `Service "s" is invalid: [${causes.map(({ field, message }) => `${field}: ${message}`).join(", ")}]`;

  const text = inFewWords({ message, causes });

  assert.ok(
    text.startsWith('Service "s" is invalid: spec.ports[0]: Invalid value: "A_b": is no name; spec.ports[1]: is'),
  );
  assert.ok(text.endsWith("spec.ports[9]: is taken; and 2 more"));
});

Deno.test("inFewWords() says what was found in the place of another type in the words of a manifest", () => {
  const failed = "failed to create typed patch object (n/c; /v1, Kind=ConfigMap)";
  const found = {
    ".data.a: expected string, got &value.valueUnstructured{Value:true}": ".data.a: expected string, got true",
    '.data.a: expected string, got &value.valueUnstructured{Value:map[string]interface {}{"b":"{}"}}':
      ".data.a: expected string, got a mapping",
    ".data: expected map, got &{[a b]}": ".data: expected map, got a list",
    ".data: expected map, got &{hello}": ".data: expected map, got hello",
    "errors:\n  .a: expected string, got &value.valueUnstructured{Value:5}\n  .b: expected boolean, got &{<nil>}":
      "errors: .a: expected string, got 5 .b: expected boolean, got null",
  };
  for (const [said, words] of Object.entries(found)) {
    assert.equal(inFewWords({ message: `${failed}: ${said}`, causes: [] }), `${failed}: ${words}`);
  }
});

Deno.test("inFewWords() repeats a short message as it is, and cuts a long one that names no field", () => {
  assert.equal(inFewWords({ message: 'namespaces "x" not found', causes: [] }), 'namespaces "x" not found');
  assert.equal(inFewWords({ message: "denied:\r\n\tno", causes: [] }), "denied: no");
  assert.equal(inFewWords({ message: "denied:\tno", causes: [] }), "denied: no");
  assert.equal(inFewWords({ message: "w".repeat(9_000), causes: [] }), `${"w".repeat(512)}…`);
  assert.equal(
    inFewWords({
      message: `X "x" is invalid: a: ${"w".repeat(900)}`,
      causes: [{ field: "a", message: "w".repeat(900) }],
    }),
    `X "x" is invalid: a: ${"w".repeat(200)}…`,
  );
});

Deno.test("refusalOf() reads what is wrong field by field", () => {
  const causes = [{ reason: "FieldValueRequired", field: "spec.selector", message: "Required value" }, {}, null];
  const details = { causes };
  const text = JSON.stringify({ kind: "Status", message: "no", details });

  assert.deepEqual(refusalOf({ status: 422, headers: {}, text }).causes, [
    { field: "spec.selector", message: "Required value" },
    { field: "", message: "" },
    { field: "", message: "" },
  ]);
  const odd = JSON.stringify({ kind: "Status", message: "no", details: { causes: "none" } });
  assert.deepEqual(refusalOf({ status: 422, headers: {}, text: odd }).message, "no");
});

Deno.test("inFewWords() is one line of a kilobyte at most, however much there is to say", () => {
  const causes = Array.from({ length: 9 }, (_, at) => ({
    field: `spec.${"f".repeat(300)}[${at}]`,
    message: `Invalid value: core.PodSpec{\n  Volumes: nil,\n\tHost: "a"}: ${"w".repeat(900)}`,
  }));
  const text = inFewWords({ message: `Job.batch "m" is invalid: ${JSON.stringify(causes)}`, causes });

  assert.ok(text.length <= 1_025, String(text.length));
  assert.doesNotMatch(text, /[\r\n]/);
  assert.equal(
    inFewWords({
      message: 'Job.batch "m" is invalid: spec.template: Invalid value: core.T{\n\tA: 1}: field is immutable',
      causes: [{ field: "spec.template", message: "Invalid value: core.T{\n\tA: 1}: field is immutable" }],
    }),
    'Job.batch "m" is invalid: spec.template: field is immutable',
  );
});

Deno.test("ofSecret() repeats nothing that is quoted, and no more than a kilobyte", () => {
  const message = `Secret "s" is invalid: ${"x".repeat(5_000)}\nInvalid value: "hunter2": no`;
  const text = ofSecret({ message, causes: [] });

  assert.ok(text.length <= 1_025 && !text.includes("hunter2"));
});

Deno.test("ofSecret() names each of several fields, and takes a policy's word for nothing of that", () => {
  const causes = [
    { field: "data[a/b]", message: 'Invalid value: "a/b": a valid config key must consist of "hunter2"' },
    { field: "data[tls.crt]", message: "Required value" },
  ];
  const denied = "secrets \"s\" is forbidden: ValidatingAdmissionPolicy 'p' denied request: hunter2 is invalid: no";

  assert.equal(
    ofSecret({ message: `Secret "s" is invalid: [${causes.map(({ message }) => message).join(", ")}]`, causes }),
    'Secret "s" is invalid: data[a/b]: Invalid value: ***; data[tls.crt]: Required value',
  );
  assert.doesNotMatch(ofSecret({ message: denied, causes }), /hunter2/);
});
