import { gzipSync } from "node:zlib";
import { ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { systemClock } from "$lib/clock.ts";
import { createRegistry } from "$lib/metrics.ts";
import { observeProcess } from "$lib/process_metrics.ts";
import { CreateAgentResponse } from "$lib/wire/agent.ts";
import { AGENT_METRICS } from "../../../agent/metrics.ts";
import { PROTOBUF } from "../../../broker/http/telemetry_relay.ts";
import { silentLog } from "../../fakes/silent_log.ts";
import { isAvailable } from "../../run/parts.ts";
import { openWorld } from "../../system/world.ts";
import type { Line } from "../metrics/report.ts";
import { processorUs } from "../process.ts";

const AGENTS = 500;
const KEYS = 50;
/** Of each agent and signal: a broker takes six at once. */
const POSTS = 5;
const SIGNALS = ["metrics", "traces", "logs"] as const;
const SHARE_MAX = 0.05;
const US_PER_MINUTE = 60e6;

/** What share of a core the broker needs for 500 agents that send each signal through it each minute. */
export async function relayLines(): Promise<readonly Line[]> {
  const receiver = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    await request.body?.pipeTo(new WritableStream());
    return new Response();
  });
  const brokerSettings = {
    OTLP__ENDPOINT: `http://127.0.0.1:${receiver.addr.port}`,
    ...{ OTLP__LOGS: "true", TRACING__ENABLED: "true", OTLP__METRICS_INTERVAL_SECONDS: "3600" },
  };
  const parts = isAvailable("postgres") ? ["postgres" as const] : [];
  await using world = await openWorld({ parts, brokerSettings, startsAgent: false });
  const agents: Sending[] = [];
  for (let count = 0; count < KEYS; count += 1) {
    const body = { name: `edge-${count}`, cluster_name: "bench" };
    const { agent, initial_pak } = await world.admin.send(CreateAgentResponse, "POST", "/agents", body);
    agents.push({ id: agent.id, pak: initial_pak, bytes: await exportOf(agent.id) });
  }
  const post = async () => {
    for (const { id, pak, bytes } of agents) {
      await Promise.all(SIGNALS.map(async (signal) => {
        const headers = { authorization: pak, "content-type": PROTOBUF, "content-encoding": "gzip" };
        const url = `${world.broker.url}/api/v1/agents/${id}/otlp/v1/${signal}`;
        const answer = await fetch(url, { method: "POST", headers, body: bytes });
        if (answer.status !== 200) throw new Error(`${answer.status} ${await answer.text()}`);
        await answer.body?.cancel();
      }));
    }
  };
  await post(); // keys are known from now on
  const beforeUs = await processorUs(world.broker.pid);
  for (let count = 0; count < POSTS; count += 1) await post();
  const each = (await processorUs(world.broker.pid) - beforeUs) / (POSTS * KEYS);
  await receiver.shutdown();
  const of = each * AGENTS / US_PER_MINUTE;
  return [{
    ...{ what: `relay for ${AGENTS} agents, ${SIGNALS.length} requests a minute each`, who: "broker" },
    figure: `${(of * 100).toFixed(2)} % of a core`,
    limit: { is: "≤", value: SHARE_MAX, of },
  }];
}

interface Sending {
  readonly id: string;
  readonly pak: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** An agent's metrics as it sends them: every signal is given as much. */
async function exportOf(agentId: string): Promise<Uint8Array<ArrayBuffer>> {
  const [clock, log] = [systemClock(), silentLog()];
  const registry = createRegistry({ clock, log });
  registry.register(AGENT_METRICS);
  observeProcess(registry, { clock, component: "agent", resource: {} })();
  const { resourceMetrics: { scopeMetrics } } = await registry.producer.collect();
  const resource = resourceFromAttributes({ "service.name": "brokkr-agent", "brokkr.agent.id": agentId });
  const bytes = ProtobufMetricsSerializer.serializeRequest({ resource, scopeMetrics });
  return new Uint8Array(gzipSync(bytes ?? new Uint8Array(), { level: 1 }));
}
