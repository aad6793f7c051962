import assert from "node:assert/strict";
import type { Kubernetes } from "$lib/kubernetes.ts";
import { readSettings } from "$lib/settings.ts";
import { START } from "./commands/mod.ts";
import { podOf } from "./doors.ts";
import { AGENT_DECLARATIONS } from "./settings.ts";

function pod(flags: readonly string[], env: Readonly<Record<string, string>>, defaultNamespace?: string) {
  const least = ["broker-url=http://localhost:1", "pak=p", "agent-name=a", "cluster-name=c"];
  const args = [...least.map((flag) => `--agent-${flag}`), ...flags];
  const { settings } = readSettings(AGENT_DECLARATIONS, { args, env: {}, readFile: () => "", commands: [START] });
  return podOf({ settings, env }, { defaultNamespace } as Kubernetes);
}

Deno.test("podOf() is the host's name within a cluster, in the service account's namespace", () => {
  assert.deepEqual(pod([], { HOSTNAME: "agent-x" }, "brokkr"), { namespace: "brokkr", name: "agent-x" });
});

Deno.test("podOf() knows none by a kubeconfig, which may lead to another cluster, but the one it is told", () => {
  const env = { HOSTNAME: "agent-x", KUBECONFIG: "/k" };

  assert.equal(pod([], env), undefined);
  assert.equal(pod(["--agent-kubeconfig-path=/k"], { HOSTNAME: "agent-x" }), undefined);
  assert.deepEqual(pod(["--agent-pod-name=agent-y"], env), { namespace: "default", name: "agent-y" });
});
