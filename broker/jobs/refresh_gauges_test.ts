import assert from "node:assert/strict";
import { createRegistry } from "$lib/metrics.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import type { StoreGauges } from "../domain/gauges.ts";
import { JOB_METRICS, STORE_METRICS } from "../metrics.ts";
import { refreshGauges } from "./refresh_gauges.ts";
import { runJobs } from "./runner.ts";

const VALUES: StoreGauges = {
  activeAgents: 2,
  agents: { connected: 1, late: 0, lost: 4, never: 6 },
  kubernetes: { true: 15, false: 16, unknown: 17 },
  versions: { "0.11.0": 18, other: 19 },
  stacks: 3,
  deploymentObjects: 5,
  heartbeatAgeSeconds: 7.5,
  deliveries: { pending: 8, applying: 9, applied: 10, failed: 0, blocked: 11, terminating: 12, removed: 13 },
  deliveriesByHealth: { healthy: 20, progressing: 21, degraded: 22, unknown: 0 },
  staleDeliveries: 23,
  oldestUnhealthyAgeSeconds: 24.5,
  oldestPendingAgeSeconds: 0.25,
  settlingLines: 14,
  oldestLineAgeSeconds: 1.75,
};
const LIMITS = { lateAfterSeconds: 60, lostAfterSeconds: 300 };

function fixture(read: () => Promise<StoreGauges> = () => Promise.resolve(VALUES)) {
  const clock = new ManualClock();
  const registry = createRegistry({ clock, log: silentLog() });
  let reads = 0;
  const job = refreshGauges({
    gauges: {
      read: (limits) => {
        assert.deepEqual(limits, LIMITS);
        reads += 1;
        return read();
      },
    },
    metrics: registry.register(STORE_METRICS),
    clock,
    intervalMs: 15_000,
    limits: LIMITS,
  });
  const stop = new AbortController();
  return {
    ...{ clock, job, stop },
    reads: () => reads,
    start: () => runJobs([job], { clock, log: silentLog(), metrics: registry.register(JOB_METRICS) }, stop.signal),
    async shown(): Promise<readonly string[]> {
      const page = await registry.page?.("text") ?? "";
      return page.split("\n").filter((line) => line !== "" && !/^#|^brokkr_(metrics|job)_/.test(line));
    },
  };
}

Deno.test("refresh_gauges shows what the store holds", async () => {
  const { job, shown } = fixture();

  const result = await job.runOnce(new AbortController().signal);

  assert.equal(result, "success");
  assert.deepEqual(await shown(), [
    "brokkr_active_agents 2",
    'brokkr_agents{connectivity="connected"} 1',
    'brokkr_agents{connectivity="late"} 0',
    'brokkr_agents{connectivity="lost"} 4',
    'brokkr_agents{connectivity="never"} 6',
    'brokkr_agents_kubernetes{reachable="true"} 15',
    'brokkr_agents_kubernetes{reachable="false"} 16',
    'brokkr_agents_kubernetes{reachable="unknown"} 17',
    'brokkr_agents_by_version{version="0.11.0"} 18',
    'brokkr_agents_by_version{version="other"} 19',
    "brokkr_agent_heartbeat_age_seconds 7.5",
    "brokkr_stacks_total 3",
    "brokkr_deployment_objects_total 5",
    'brokkr_deliveries{state="pending"} 8',
    'brokkr_deliveries{state="applying"} 9',
    'brokkr_deliveries{state="applied"} 10',
    'brokkr_deliveries{state="failed"} 0',
    'brokkr_deliveries{state="blocked"} 11',
    'brokkr_deliveries{state="terminating"} 12',
    'brokkr_deliveries{state="removed"} 13',
    'brokkr_deliveries_health{health="healthy"} 20',
    'brokkr_deliveries_health{health="progressing"} 21',
    'brokkr_deliveries_health{health="degraded"} 22',
    'brokkr_deliveries_health{health="unknown"} 0',
    "brokkr_deliveries_stale 23",
    "brokkr_oldest_unhealthy_delivery_age_seconds 24.5",
    "brokkr_oldest_pending_delivery_age_seconds 0.25",
    "brokkr_settling_lines 14",
    "brokkr_settling_oldest_line_age_seconds 1.75",
  ]);
});

Deno.test("refresh_gauges shows nothing before its first run, and nothing after a failed one", async () => {
  let isDown = false;
  const { job, shown } = fixture(() => isDown ? Promise.reject(new Error("down")) : Promise.resolve(VALUES));
  assert.deepEqual(await shown(), []);
  await job.runOnce(new AbortController().signal);

  isDown = true;
  await assert.rejects(job.runOnce(new AbortController().signal), /down/);

  assert.deepEqual(await shown(), []);
});

Deno.test("refresh_gauges gives up after 5 s without an answer, and shows nothing", async () => {
  const { job, clock, shown } = fixture(() => new Promise(() => {}));

  const run = assert.rejects(job.runOnce(new AbortController().signal), { name: "TimeoutError" });
  await clock.advance(5_000);
  await run;

  assert.deepEqual(await shown(), []);
});

Deno.test("refresh_gauges asks nothing more of the database while it still reads for a run that gave up", async () => {
  const slow = Promise.withResolvers<StoreGauges>();
  const { job, clock, reads } = fixture(() => slow.promise);
  const { signal } = new AbortController();
  const first = assert.rejects(job.runOnce(signal), { name: "TimeoutError" });
  await clock.advance(5_000);
  await first;

  await assert.rejects(job.runOnce(signal), /the read before has not ended/);
  const readsMeanwhile = reads();
  slow.resolve(VALUES);
  await clock.settle();
  const result = await job.runOnce(signal);

  assert.deepEqual([readsMeanwhile, result, reads()], [1, "success", 2]);
});

Deno.test("refresh_gauges runs at its start and on its timer", async () => {
  const { clock, reads, start, stop } = fixture();
  const running = start();
  await clock.settle();
  assert.equal(reads(), 1);

  await clock.advance(15_000 * 1.2);
  stop.abort();
  await running;

  assert.equal(reads(), 2);
});

Deno.test("refresh_gauges runs at most once a second, however much changes", async () => {
  const { job, clock, reads, start, stop } = fixture();
  const running = start();
  await clock.settle();

  for (let index = 0; index < 100; index += 1) job.noticed(["stacks"]);
  await clock.advance(999);
  assert.equal(reads(), 1);
  await clock.advance(1);
  assert.equal(reads(), 2);
  await clock.advance(5_000);
  assert.equal(reads(), 2);

  job.noticed(["deployment_objects"]);
  await clock.settle();
  assert.equal(reads(), 3);
  stop.abort();
  await running;
});

Deno.test("refresh_gauges that takes long runs less often on account of changes, and never less often than its timer", async () => {
  const took = { ms: 200 };
  const { job, clock, reads, start, stop } = fixture(async () => {
    await clock.sleep(took.ms);
    return VALUES;
  });
  const changedUntil = async (ms: number) => {
    job.noticed(["stacks"]);
    await clock.advance(ms);
    return reads();
  };
  const running = start();
  await clock.advance(200);

  const [early, due] = [await changedUntil(3_799), await changedUntil(1)];
  took.ms = 40;
  await clock.advance(200);
  const slowStill = await changedUntil(3_799);
  const quick = await changedUntil(1);
  await clock.advance(40);
  const [tooSoon, after] = [await changedUntil(959), await changedUntil(1)];
  stop.abort();
  await running;

  assert.deepEqual({ early, due, slowStill, quick, tooSoon, after }, {
    ...{ early: 1, due: 2, slowStill: 2, quick: 3, tooSoon: 3, after: 4 },
  });
});

Deno.test("refresh_gauges runs for no change that it does not count", async () => {
  const { job, clock, reads, start, stop } = fixture();
  const running = start();
  await clock.settle();

  job.noticed(["keys"]);
  await clock.advance(2_000);
  stop.abort();
  await running;

  assert.equal(reads(), 1);
});

Deno.test("refresh_gauges tries again soon after a failure", async () => {
  let isDown = true;
  const { clock, reads, start, stop, shown } = fixture(() =>
    isDown ? Promise.reject(new Error("down")) : Promise.resolve(VALUES)
  );
  const running = start();
  await clock.settle();

  isDown = false;
  await clock.advance(1_200);
  stop.abort();
  await running;

  assert.equal(reads(), 2);
  assert.equal((await shown()).length, 29);
});

Deno.test("refresh_gauges shows no version any more that no agent has", async () => {
  let versions: StoreGauges["versions"] = { "0.10.0": 1, "0.11.0": 2 };
  const { job, shown } = fixture(() => Promise.resolve({ ...VALUES, versions }));
  const { signal } = new AbortController();

  await job.runOnce(signal);
  versions = { "0.11.0": 3 };
  await job.runOnce(signal);

  assert.deepEqual((await shown()).filter((line) => line.startsWith("brokkr_agents_by_version")), [
    'brokkr_agents_by_version{version="0.11.0"} 3',
  ]);
});
