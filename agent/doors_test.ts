import assert from "node:assert/strict";
import type { Kubernetes } from "$lib/kubernetes.ts";
import { readSettings } from "$lib/settings.ts";
import { START } from "./commands/mod.ts";
import { podOf, relayOf } from "./doors.ts";
import { AGENT_DECLARATIONS } from "./settings.ts";

function settingsOf(flags: readonly string[]) {
  const least = ["broker-url=http://localhost:1", "pak=p", "agent-name=a", "cluster-name=c"];
  const args = [...least.map((flag) => `--agent-${flag}`), ...flags];
  return readSettings(AGENT_DECLARATIONS, { args, env: {}, readFile: () => "", commands: [START] }).settings;
}

function pod(flags: readonly string[], env: Readonly<Record<string, string>>, defaultNamespace?: string) {
  return podOf({ settings: settingsOf(flags), env }, { defaultNamespace } as Kubernetes);
}

Deno.test("relayOf() leads to the agent's own paths, and is named by the agent's settings", () => {
  const known: { id?: string } = {};
  const relay = relayOf(settingsOf(["--otlp-endpoint=broker"]), () => known.id);
  const before = relay.urlOf("/v1/metrics");
  known.id = "a1";

  const { href } = relay.urlOf("/v1/metrics") ?? assert.fail("it leads nowhere");
  assert.deepEqual([before, href], [undefined, "http://localhost:1/api/v1/agents/a1/otlp/v1/metrics"]);
  const { server, authority, address } = relay.names ?? assert.fail("it has no names");
  assert.deepEqual([server, authority, address], ["the broker", "agent.broker_ca_file", "agent.broker_url"]);
});

Deno.test("podOf() is the host's name within a cluster, in the service account's namespace", () => {
  assert.deepEqual(pod([], { HOSTNAME: "agent-x" }, "brokkr"), { namespace: "brokkr", name: "agent-x" });
});

Deno.test("podOf() knows none by a kubeconfig, which may lead to another cluster, but the one it is told", () => {
  const env = { HOSTNAME: "agent-x", KUBECONFIG: "/k" };

  assert.equal(pod([], env), undefined);
  assert.equal(pod(["--agent-kubeconfig-path=/k"], { HOSTNAME: "agent-x" }), undefined);
  assert.deepEqual(pod(["--agent-pod-name=agent-y"], env), { namespace: "default", name: "agent-y" });
});
