import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { receivedLines } from "../fakes/otlp_logs.ts";
import { receivedMetrics } from "../fakes/otlp_metrics.ts";
import { receivedSpans } from "../fakes/otlp_spans.ts";
import type { SecretScanner } from "./secret_scanner.ts";
import type { Settings } from "./programs.ts";

/** Takes all that programs send by OTLP, for a scanner to look through. */
export interface SecretReceiver extends AsyncDisposable {
  /** By which both programs send all signals here, with a key. */
  readonly settings: Settings;
  /** Takes down what came; fails unless all signals of both programs did. */
  record(): void;
}

const RESOURCES_IN = {
  metrics: (body: Uint8Array) => [receivedMetrics(body).map(({ resource }) => resource["service.name"])].flat(),
  traces: (body: Uint8Array) => receivedSpans(body).map(({ resource }) => resource["service.name"]),
  logs: (body: Uint8Array) => receivedLines(body).map(({ resource }) => resource["service.name"]),
};
type Signal = keyof typeof RESOURCES_IN;

/** A receiver that quotes the key that it was given, when it refuses the first request of each signal. */
export function startSecretReceiver(scanner: SecretScanner): SecretReceiver {
  const key = scanner.addSecret("the key of a receiver of telemetry", "hush-receiver-key");
  const bodies: { readonly signal: Signal; readonly body: Uint8Array }[] = [];
  const refused = new Set<string>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const signal = request.url.split("/").at(-1) as Signal;
    bodies.push({ signal, body: new Uint8Array(gunzipSync(new Uint8Array(await request.arrayBuffer()))) });
    if (refused.has(signal)) return new Response();
    refused.add(signal);
    return new Response(`who is ${request.headers.get("api-key")}?`, { status: 400 });
  });
  return {
    settings: {
      OTLP__ENDPOINT: `http://127.0.0.1:${server.addr.port}`,
      OTLP__HEADERS: `api-key=${key}`,
      ...{ OTLP__LOGS: "true", TRACING__SAMPLE_RATIO: "1" },
      ...{ OTLP__METRICS_INTERVAL_SECONDS: "1", OTLP__TIMEOUT_SECONDS: "1" },
    },
    record() {
      const came = new Set(
        bodies.flatMap(({ signal, body }) => RESOURCES_IN[signal](body).map((program) => `${signal} of ${program}`)),
      );
      const all = Object.keys(RESOURCES_IN).flatMap((
        signal,
      ) => [`${signal} of brokkr-agent`, `${signal} of brokkr-broker`]);
      assert.deepEqual([...came].toSorted(), all.toSorted());
      for (const { signal, body } of bodies) scanner.record(`${signal} sent by OTLP`, new TextDecoder().decode(body));
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
