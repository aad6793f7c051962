import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import { Status } from "./status.ts";

Deno.test("readiness() follows the agent's own loops, never its neighbours", () => {
  const status = new Status();
  const before = status.readiness(undefined).isReady;

  status.started();
  const cause = new TypeError("fetch failed", { cause: new Error("connection refused") });
  status.heardBroker(new Failure("broker_unavailable", "Cannot poll: no answer came", { cause }));
  status.heardKubernetes({ isReachable: false, why: "refused" });
  const while_ = status.readiness("agent_name is not the broker's");
  status.stopping();

  assert.deepEqual([before, while_.isReady, status.readiness(undefined).isReady], [false, true, false]);
  assert.equal(
    while_.text,
    "Ready\nbroker: Cannot poll: no answer came: connection refused\nkubernetes: refused\n" +
      "identity: nothing is written to the cluster, because agent_name is not the broker's\n",
  );
});

Deno.test("readiness() says when both neighbours are there", () => {
  const status = new Status();
  status.started();
  status.heardBroker(undefined);
  status.heardKubernetes({ isReachable: true, version: "v1.36.3", latencyMs: 1 });

  assert.equal(status.readiness(undefined).text, "Ready\nbroker: connected\nkubernetes: reachable, v1.36.3\n");
});

Deno.test("readiness() says which replica has the Lease; one that stands by is ready, and has no news of others", () => {
  const status = new Status();
  status.started();
  status.heardBroker(undefined);
  status.heardKubernetes({ isReachable: true, version: "v1.36.3", latencyMs: 1 });

  status.heardLease(true);
  const working = status.readiness(undefined);
  status.heardLease(false);
  const standby = status.readiness(undefined);

  assert.match(working.text, /^Ready\nlease: held, this replica works\nbroker: connected\n/);
  assert.deepEqual(standby, { isReady: true, text: "Ready\nlease: not held, this replica stands by\n" });
});

Deno.test("readiness() shows no key", () => {
  const status = new Status();
  status.heardBroker(new Failure("broker_unavailable", "Cannot reach http://u:hunter2@broker with brokkr_BRabc_long"));

  const { text } = status.readiness(undefined);

  assert.equal(/hunter2|_long/.test(text), false);
});
