import assert from "node:assert/strict";
import { onFreePorts, stablePort } from "./ports.ts";

/** Something that fails with each of `faults` in turn before it starts. */
function failing(...faults: string[]) {
  return () => {
    const fault = faults.shift();
    return fault === undefined ? Promise.resolve("started") : Promise.reject(new Error(fault));
  };
}

const TAKEN = "etcd has ended: listen tcp 127.0.0.1:30156: bind: address already in use";

Deno.test("onFreePorts() starts again where a port was taken meanwhile, three times at most", async () => {
  assert.equal(await onFreePorts(failing(TAKEN, TAKEN)), "started");
  await assert.rejects(onFreePorts(failing(TAKEN, TAKEN, TAKEN)), { message: TAKEN });
});

Deno.test("onFreePorts() starts once where anything else is wrong", async () => {
  await assert.rejects(onFreePorts(failing("no such flag")), { message: "no such flag" });
});

Deno.test("stablePort() gives no port twice in a row, and the one that is wanted when that is free", () => {
  const given = Array.from({ length: 100 }, () => stablePort());
  const [wanted = 0] = given;
  using _server = Deno.listen({ hostname: "127.0.0.1", port: given[1] ?? 0 });

  assert.equal(new Set(given).size, given.length);
  assert.equal(stablePort(wanted), wanted);
  assert.notEqual(stablePort(given[1]), given[1]);
});
