import assert from "node:assert/strict";
import { createRegistry, disabledRegistry } from "$lib/metrics.ts";
import { readSettings, variableOf } from "$lib/settings.ts";
import { NOBODYS_KUBECONFIG } from "../tests/fakes/kubeconfig.ts";
import { ManualClock } from "../tests/fakes/manual_clock.ts";
import { silentLog } from "../tests/fakes/silent_log.ts";
import { type Agent, type AgentParts, createAgent } from "./agent.ts";
import { AGENT_DECLARATIONS } from "./settings.ts";

/** An agent over a kubeconfig in a temporary file, not started. */
async function agent(given: Record<string, string> = {}, special: Partial<AgentParts> = {}): Promise<Agent> {
  const kubeconfig = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(kubeconfig, NOBODYS_KUBECONFIG);
    const all = {
      "agent.broker_url": "https://broker.example",
      "agent.pak": "brokkr_BRabc_secret",
      "agent.agent_name": "edge",
      "agent.cluster_name": "prod",
      "agent.kubeconfig_path": kubeconfig,
      ...given,
    };
    const env = Object.fromEntries(Object.entries(all).map(([key, value]) => [variableOf(key), value]));
    const { settings } = readSettings(AGENT_DECLARATIONS, { args: [], env, readFile: () => "" });
    const clock = new ManualClock();
    const log = silentLog();
    return await createAgent({
      ...{ settings, env: {}, clock, log, random: () => 0.5, newId: () => "boot" },
      fetch: () => Promise.reject(new Error("asked for nothing")),
      registry: settings["metrics.enabled"] ? createRegistry({ clock, log }) : disabledRegistry(),
      ...special,
    });
  } finally {
    await Deno.remove(kubeconfig);
  }
}

async function get(one: Agent, path: string): Promise<{ status: number; text: string }> {
  const response = await one.fetch(new Request(`http://agent${path}`));
  return { status: response.status, text: await response.text() };
}

Deno.test("an agent that is not started lives, is not ready, and has its metrics at 0", async () => {
  const one = await agent();

  assert.equal((await get(one, "/healthz")).status, 200);
  assert.equal((await get(one, "/readyz")).status, 503);
  const { text } = await get(one, "/metrics");
  for (const result of ["success", "error", "empty"]) {
    assert.ok(text.includes(`brokkr_agent_poll_requests_total{result="${result}"} 0\n`), result);
  }
  assert.ok(text.includes('brokkr_agent_kubernetes_operations_total{operation="dry_run",result="error"} 0\n'));
  assert.ok(text.includes("brokkr_agent_heartbeat_sent_total 0\n"));
});

Deno.test("an agent without metrics has no page of them", async () => {
  const one = await agent({ "metrics.enabled": "false" });

  assert.equal((await get(one, "/metrics")).status, 404);
  assert.equal((await get(one, "/healthz")).status, 200);
});

Deno.test("an agent without a usable kubeconfig is not made", async () => {
  await assert.rejects(agent({ "agent.kubeconfig_path": "/nowhere/kubeconfig" }), { code: "invalid_settings" });
});

Deno.test("a path that the agent does not have is not found", async () => {
  const { status, text } = await get(await agent(), "/api/v1/agents");

  assert.deepEqual([status, JSON.parse(text).code], [404, "not_found"]);
});

Deno.test("an agent whose loops end by a bug says so, and can be stopped", async () => {
  const id = "11111111-1111-4111-8111-111111111111";
  const known = { ...{ agent: id, admin: false, readonly: false }, ...{ name: "edge", cluster_name: "prod" } };
  const one = await agent({ "agent.health_address": "127.0.0.1", "agent.health_port": "0" }, {
    fetch: () => Promise.resolve(Response.json(known)),
    newId: () => {
      throw new Error("a bug");
    },
  });
  one.start();

  await assert.rejects(one.failed, { message: "a bug" });
  assert.equal((await get(one, "/readyz")).status, 503);
  await one.stop();
});
