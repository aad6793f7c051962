import assert from "node:assert/strict";
import { readOptions } from "./options.ts";

Deno.test("readOptions() takes the simulated cluster and stays, when nothing is said", () => {
  assert.deepEqual(readOptions([]), { once: false, cluster: "simulated", trace: false, otlp: undefined });
});

Deno.test("readOptions() reads a kubeconfig and --once in any order", () => {
  assert.deepEqual(readOptions(["--kubeconfig", "k", "--once"]), {
    ...{ once: true, cluster: { kubeconfigPath: "k" } },
    ...{ trace: false, otlp: undefined },
  });
});

Deno.test("readOptions() reads what becomes of telemetry, one of the two", () => {
  assert.equal(readOptions(["--trace"]).trace, true);
  assert.equal(readOptions(["--otlp", "http://collector:4318/x"]).otlp, "http://collector:4318/x");
  assert.throws(() => readOptions(["--otlp", "collector:4318"]), /"collector:4318"/);
  assert.throws(() => readOptions(["--otlp"]), /--otlp ""/);
  assert.throws(() => readOptions(["--trace", "--otlp", "http://c"]), /sent elsewhere/);
});

Deno.test("readOptions() names the word it does not know", () => {
  assert.throws(() => readOptions(["--twice"]), /"--twice"/);
  assert.throws(() => readOptions(["--cluster", "cloud"]), /"cloud"/);
  assert.throws(() => readOptions(["--kubeconfig"]), /no file/);
});
