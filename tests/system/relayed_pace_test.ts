import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import { createRegistry } from "$lib/metrics.ts";
import { readSettings } from "$lib/settings.ts";
import { telemetryPlan } from "$lib/telemetry/plan.ts";
import { openTelemetry } from "$lib/telemetry/telemetry.ts";
import { AGENT_METRICS } from "../../agent/metrics.ts";
import { AGENT_DECLARATIONS } from "../../agent/settings.ts";
import { BoundExceeded } from "../../broker/domain/bounds.ts";
import { type Relayed, TelemetryRelay } from "../../broker/http/telemetry_relay.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { noClient } from "../fakes/otlp_receiver.ts";

const AGENT_ID = "0198c0de-0000-7000-8000-000000000001";
const ENV = {
  BROKKR__AGENT__BROKER_URL: "https://broker.example",
  BROKKR__AGENT__PAK: "brokkr_BRkey",
  BROKKR__AGENT__AGENT_NAME: "edge-1",
  BROKKR__AGENT__CLUSTER_NAME: "berlin",
  BROKKR__OTLP__ENDPOINT: "broker",
  BROKKR__OTLP__LOGS: "true",
  BROKKR__TRACING__SAMPLE_RATIO: "1",
};

/** A broker's relay, and agents with the settings above that send all signals through it, under one clock. */
function relayed() {
  const clock = new ManualClock();
  const pass = () => Promise.resolve({ status: 200, body: new Uint8Array(), retryAfterMs: 0 });
  const relay = new TelemetryRelay({ clock, senders: { metrics: { pass }, traces: { pass }, logs: { pass } } });
  const statuses: string[] = [];
  const lines: string[] = [];
  const said = (message: string) => lines.push(message);
  const log: Log = { debug: () => {}, info: () => {}, warn: said, error: said };
  const post = async (url: string | URL | Request, { method, headers, body: sent }: RequestInit = {}) => {
    const request = new Request(url, { ...(method && { method }), ...(headers && { headers }), body: sent ?? null });
    const signal = request.url.split("/").at(-1) as Relayed;
    const body = new Uint8Array(await request.arrayBuffer());
    const answer = await relay.pass({ agentId: AGENT_ID, signal, request, readBytes: () => Promise.resolve(body) })
      .catch(refusal);
    statuses.push(`${signal} ${answer.status}`);
    return answer;
  };
  async function startAgent() {
    const { promise: identified, resolve: identify } = Promise.withResolvers<void>();
    const { settings, origins } = readSettings(AGENT_DECLARATIONS, { args: [], env: ENV, readFile: () => "" });
    let id: string | undefined;
    const url = (path: string) => id === undefined ? undefined : new URL(`https://broker.example/otlp${path}`);
    const way = { urlOf: url, key: () => Promise.resolve("key"), caFile: undefined };
    const plan = telemetryPlan(settings, {
      ...{ env: {}, origins, readFile: () => "" },
      relay: { ...way, clientCertFile: undefined, clientKeyFile: undefined },
    });
    const telemetry = await openTelemetry(plan, {
      ...{ fetch: post as typeof fetch, clock, random: () => 0.5, log, env: {}, userAgent: "test" },
      ...{ makeClient: noClient, onSecret: () => {}, resource: () => ({}) },
      relayed: {
        identified,
        resource: (): Record<string, string> => id === undefined ? {} : { "brokkr.agent.id": id },
      },
    });
    const registry = createRegistry({ clock, log, readers: telemetry.readers });
    registry.register(AGENT_METRICS);
    const running = telemetry.start(registry);
    return {
      running,
      identify() {
        id = AGENT_ID;
        identify();
      },
      /** What an agent at work says in so many seconds. */
      async work(seconds: number) {
        for (let tenth = 0; tenth < seconds * 10; tenth += 1) {
          running.tracing.begin("apply stack")?.end();
          running.logs?.add({ timeMs: clock.now(), level: "info", message: "stack applied", fields: {} });
          await clock.advance(100);
        }
      },
    };
  }
  return { startAgent, statuses, lines };
}

function refusal(error: unknown): Response {
  if (!(error instanceof Failure)) throw error;
  const seconds = String(error.details?.["retry_after_seconds"] ?? 5);
  const status = error instanceof BoundExceeded ? 429 : 403;
  return new Response(null, { status, headers: { "retry-after": seconds } });
}

Deno.test("an agent with default settings is never refused by the broker that it sends through", async () => {
  const { startAgent, statuses, lines } = relayed();
  const first = await startAgent();

  await first.work(3); // before the broker has said who it is
  first.identify();
  await first.work(180);
  await first.running.stop();
  const again = await startAgent();
  again.identify();
  await again.work(30);
  await again.running.stop();

  const counts = Object.fromEntries(Map.groupBy(statuses, (one) => one).entries().map(([k, all]) => [k, all.length]));
  assert.deepEqual(lines, [], JSON.stringify(counts));
  assert.deepEqual(Object.keys(counts).toSorted(), ["logs 200", "metrics 200", "traces 200"], JSON.stringify(counts));
});
