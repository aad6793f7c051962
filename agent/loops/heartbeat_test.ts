import assert from "node:assert/strict";
import type { HeartbeatReport } from "$lib/wire/agent.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { heartbeat, type Probe, PROBE_TIMEOUT_MS } from "./heartbeat.ts";

interface Given {
  readonly version: (clock: ManualClock, signal?: AbortSignal) => Promise<string>;
  readonly isBrokerDown?: boolean;
}

function beating({ version, isBrokerDown = false }: Given) {
  const clock = new ManualClock();
  const sent: HeartbeatReport[] = [];
  const probes: Probe[] = [];
  const stop = new AbortController();
  let acknowledged = 0;
  const turn = heartbeat({
    clock,
    kubernetes: { version: (signal) => version(clock, signal) },
    agentVersion: "1.2.3",
    send: (report) => {
      sent.push(report);
      return isBrokerDown ? Promise.reject(new Error("down")) : Promise.resolve();
    },
    sent: { add: () => acknowledged += 1 },
    onProbe: (probe) => probes.push(probe),
  }, stop.signal);
  return { clock, turn, sent, probes, stop, acknowledged: () => acknowledged };
}

async function after12Ms(clock: ManualClock): Promise<string> {
  await clock.advance(12);
  return "v1.36.3";
}

Deno.test("heartbeat() sends what the API server said, how fast, and the agent's version", async () => {
  const { turn, sent, probes, acknowledged } = beating({ version: after12Ms });

  await turn;

  const report = { k8s_reachable: true, k8s_api_latency_ms: 12, k8s_version: "v1.36.3", agent_version: "1.2.3" };
  assert.deepEqual(sent, [report]);
  assert.deepEqual(probes, [{ isReachable: true, version: "v1.36.3", latencyMs: 12 }]);
  assert.equal(acknowledged(), 1);
});

Deno.test("heartbeat() does not count a heartbeat that the broker did not acknowledge", async () => {
  const { turn, acknowledged } = beating({ version: after12Ms, isBrokerDown: true });

  await assert.rejects(turn, { message: "down" });

  assert.equal(acknowledged(), 0);
});

Deno.test("heartbeat() says that the API server can't be reached", async () => {
  const { turn, sent, probes } = beating({ version: () => Promise.reject(new Error("refused")) });

  await turn;

  assert.deepEqual(sent, [{ k8s_reachable: false, agent_version: "1.2.3" }]);
  assert.deepEqual(probes, [{ isReachable: false, why: "refused" }]);
});

const silence = (_: ManualClock, signal?: AbortSignal) =>
  new Promise<string>((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));

Deno.test("heartbeat() ends at once when the agent stops while the API server is silent, and sends nothing", async () => {
  const { turn, stop, sent } = beating({ version: silence });

  stop.abort(new Error("stopping"));

  await assert.rejects(turn, { message: "stopping" });
  assert.deepEqual(sent, []);
});

Deno.test("heartbeat() is sent although the API server never answers", async () => {
  const { clock, turn, sent } = beating({ version: silence });

  await clock.advance(PROBE_TIMEOUT_MS);
  await turn;

  assert.deepEqual(sent, [{ k8s_reachable: false, agent_version: "1.2.3" }]);
});
