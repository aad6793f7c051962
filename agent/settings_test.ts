import assert from "node:assert/strict";
import { isFailure } from "$lib/error.ts";
import { readSettings, variableOf } from "$lib/settings.ts";
import { AGENT_DECLARATIONS, type AgentSettings } from "./settings.ts";

const ENOUGH = {
  "agent.broker_url": "https://broker.example",
  "agent.pak": "brokkr_BRabc_secret",
  "agent.agent_name": "edge",
  "agent.cluster_name": "prod",
};

function read(given: Record<string, string | undefined>): AgentSettings {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  const env = Object.fromEntries(entries.map(([key, value]) => [variableOf(key), String(value)]));
  return readSettings(AGENT_DECLARATIONS, { args: [], env, readFile: () => "" }).settings;
}

function faults(given: Record<string, string | undefined>): unknown {
  try {
    read(given);
  } catch (error) {
    if (isFailure(error, "invalid_settings")) return error.details?.errors;
  }
  return [];
}

Deno.test("the agent needs only the broker, its key and its names", () => {
  const settings = read(ENOUGH);

  assert.equal(settings["agent.polling_interval"], 10);
  assert.equal(settings["agent.resync_interval"], 300);
  assert.equal(settings["agent.health_port"], 8080);
  assert.equal(settings["agent.prune_max_stacks"], undefined);
  assert.deepEqual(settings["agent.generator_ids"], []);
});

Deno.test("everything that is missing is named at once", () => {
  const named = String(faults({}));

  for (const key of ["agent.broker_url", "agent.pak and agent.pak_file", "agent.agent_name", "agent.cluster_name"]) {
    assert.ok(named.includes(key), key);
  }
});

Deno.test("a key and a file with a key are one too many", () => {
  assert.equal(String(faults({ ...ENOUGH, "agent.pak_file": "/key" })).includes("exactly one of"), true);
});

Deno.test("intervals of one second are taken, none at all is not", () => {
  assert.equal(read({ ...ENOUGH, "agent.polling_interval": "1" })["agent.polling_interval"], 1);
  assert.equal(String(faults({ ...ENOUGH, "agent.polling_interval": "0" })).includes("agent.polling_interval"), true);
});

Deno.test("the page of metrics has a port of its own, and a token in its file, or the agent does not start", () => {
  const given = { "metrics.port": "8080", "metrics.bearer_token_file": "/token" };

  assert.deepEqual(faults({ ...ENOUGH, ...given }), [
    "metrics.port must not be 8080, which is the port of agent.health_port",
    'metrics.bearer_token_file names "/token", which is empty',
  ]);
});

for (const url of ["http://127.0.0.1:3000", "http://localhost:3000", "http://[::1]:3000", "https://broker.example"]) {
  Deno.test(`the key may be sent to ${url}`, () => {
    assert.deepEqual(faults({ ...ENOUGH, "agent.broker_url": url }), []);
  });
}

for (
  const url of ["http://broker.example", "http://10.0.0.1", "http://127.0.0.1.example.com", "http://localhost.com"]
) {
  Deno.test(`the key may not be sent to ${url} unless someone says so`, () => {
    const given = { ...ENOUGH, "agent.broker_url": url };

    assert.equal(String(faults(given)).includes("agent.allow_insecure_broker"), true);
    assert.deepEqual(faults({ ...given, "agent.allow_insecure_broker": "true" }), []);
  });
}
