import assert from "node:assert/strict";
import { readOptions } from "./options.ts";

Deno.test("readOptions() takes the simulated cluster and stays, when nothing is said", () => {
  assert.deepEqual(readOptions([]), { once: false, cluster: "simulated" });
});

Deno.test("readOptions() reads a kubeconfig and --once in any order", () => {
  assert.deepEqual(readOptions(["--kubeconfig", "k", "--once"]), { once: true, cluster: { kubeconfigPath: "k" } });
});

Deno.test("readOptions() names the word it does not know", () => {
  assert.throws(() => readOptions(["--twice"]), /"--twice"/);
  assert.throws(() => readOptions(["--cluster", "cloud"]), /"cloud"/);
  assert.throws(() => readOptions(["--kubeconfig"]), /no file/);
});
