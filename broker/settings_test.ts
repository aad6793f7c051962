import assert from "node:assert/strict";
import { isFailure } from "$lib/error.ts";
import { readBrokerSettings } from "./settings.ts";

function faultsOf(env: Record<string, string>): unknown {
  try {
    readBrokerSettings({ args: [], env, readFile: () => "" });
  } catch (error) {
    if (isFailure(error)) return error.details?.errors;
  }
  return [];
}

Deno.test("the broker's page of metrics has a port of its own, and a token in its file, or the broker does not start", () => {
  const faults = faultsOf({
    BROKKR__BROKER__LISTEN: "127.0.0.1:3001",
    BROKKR__METRICS__PORT: "3001",
    BROKKR__METRICS__BEARER_TOKEN_FILE: "/token",
  });

  assert.deepEqual(faults, [
    "metrics.port must not be 3001, which is the port of broker.listen",
    'metrics.bearer_token_file names "/token", which is empty',
  ]);
});

Deno.test("the broker reads its gauges at least once a minute, because an alert takes less for a fault", () => {
  assert.deepEqual(faultsOf({ BROKKR__METRICS__REFRESH_INTERVAL: "60" }), []);
  assert.match(String(faultsOf({ BROKKR__METRICS__REFRESH_INTERVAL: "61" })), /from 1 to 60/);
});

Deno.test("the broker sends nothing through a broker, which only agents do", () => {
  assert.deepEqual(faultsOf({ BROKKR__OTLP__ENDPOINT: "broker" }), [
    "otlp.endpoint is broker: only an agent sends through its broker",
  ]);
  assert.deepEqual(faultsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: "broker" }), []);
});
