import assert from "node:assert/strict";
import { createRegistry, disabledRegistry, type Registry } from "$lib/metrics.ts";
import { LAG_INTERVAL_MS, observeProcess, type ProcessReading } from "$lib/process_metrics.ts";
import { REVISION, VERSION } from "$lib/program/version.ts";
import { ManualClock } from "../tests/fakes/manual_clock.ts";
import { silentLog } from "../tests/fakes/silent_log.ts";

const RESOURCE = { "service.name": "brokkr-agent" };

/** A registry, and the samples of its page by their series. */
function metered() {
  const registry = createRegistry({ clock: new ManualClock(), log: silentLog() });
  return { registry, samples: () => samplesOf(registry) };
}

async function samplesOf({ page }: Registry): Promise<ReadonlyMap<string, number>> {
  const lines = (await page?.("text") ?? "").split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => {
    const space = line.lastIndexOf(" ");
    return [line.slice(0, space), Number(line.slice(space + 1))];
  }));
}

Deno.test("observeProcess() says what runs here, as OpenTelemetry and as Prometheus people look for it", async () => {
  const { registry, samples } = metered();

  observeProcess(registry, { clock: new ManualClock(), component: "agent", resource: RESOURCE });

  const labels = `component="agent",version="${VERSION}",revision="${REVISION}",deno_version="${Deno.version.deno}"`;
  const found = await samples();
  assert.equal(found.get(`brokkr_build_info{${labels}}`), 1);
  assert.equal(found.get('target_info{service_name="brokkr-agent"}'), 1);
});

Deno.test("target_info has the resource's attributes as labels: none of Prometheus's own, none twice, none too many", async () => {
  const { registry, samples } = metered();
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`a.${at}`, "x"]));
  const resource = {
    "job": "j",
    "instance": "i",
    "le": "1",

    "1st": "1",
    "a.b": "x".repeat(300),
    "a_b": "y",
  };

  observeProcess(registry, { clock: new ManualClock(), component: "agent", resource: { ...resource, ...many } });

  const [target = ""] = [...(await samples()).keys()].filter((one) => one.startsWith("target_info"));
  const labels = [...target.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]);
  assert.deepEqual(labels.slice(0, 3), [["_1st", "1"], ["a_b", "x".repeat(255)], ["a_0", "x"]]);
  assert.equal(labels.length, 20);
});

Deno.test("observeProcess() reads the process when a page is made, and then only", async () => {
  const readings: ProcessReading[] = [
    { cpuSeconds: 2, residentBytes: 100, heapUsedBytes: 10 },
    { cpuSeconds: 2.5, residentBytes: 90, heapUsedBytes: 20 },
  ];
  const { registry, samples } = metered();
  const read = () => readings.shift() ?? assert.fail("read once too often");
  observeProcess(registry, { clock: new ManualClock(), component: "broker", resource: RESOURCE, read });

  const pages = [await samples(), await samples()];

  const names = ["process_cpu_seconds_total", "process_resident_memory_bytes", "deno_heap_used_bytes"];
  assert.deepEqual(pages.map((page) => names.map((name) => page.get(name))), [[2, 100, 10], [2.5, 90, 20]]);
});

Deno.test("observeProcess() reads this process with no permission of its own", async () => {
  const { registry, samples } = metered();
  observeProcess(registry, { clock: new ManualClock(), component: "broker", resource: RESOURCE });

  const page = await samples();

  const agoSeconds = Date.now() / 1_000 - (page.get("process_start_time_seconds") ?? 0);
  assert.ok(agoSeconds > 0 && agoSeconds < 3_600, `the process started ${agoSeconds} s ago`);
  assert.ok((page.get("process_cpu_seconds_total") ?? 0) > 0.01);
  const [resident = 0, heap = 0] = [page.get("process_resident_memory_bytes"), page.get("deno_heap_used_bytes")];
  assert.ok(heap > 1e6 && resident > heap, `${resident} bytes resident, ${heap} of heap`);
});

Deno.test("observeProcess() records how much later than asked its timer fires, until it is ended", async () => {
  const { registry, samples } = metered();
  const timers = new Set<() => void>();
  let nowMs = 0;
  const clock = {
    monotonic: () => nowMs,
    after(_ms: number, work: () => void) {
      timers.add(work);
      return () => timers.delete(work);
    },
  };
  const end = observeProcess(registry, { clock, component: "broker", resource: RESOURCE });

  for (const lateMs of [0, 300, -1]) {
    nowMs += LAG_INTERVAL_MS + lateMs;
    const [due] = timers;
    timers.clear();
    due?.();
  }
  end();

  const page = await samples();
  const name = "deno_event_loop_lag_seconds";
  assert.deepEqual([page.get(`${name}_count`), page.get(`${name}_sum`)], [3, 0.3]);
  assert.deepEqual([page.get(`${name}_bucket{le="0.25"}`), page.get(`${name}_bucket{le="0.5"}`)], [2, 3]);
  assert.equal(timers.size, 0);
});

Deno.test("observeProcess() does nothing, and starts no timer, where metrics are off", () => {
  const clock = new ManualClock();

  observeProcess(disabledRegistry(), { clock, component: "broker", resource: RESOURCE });

  assert.equal(clock.pending, 0);
});

Deno.test("observeProcess() serves several registries of one process", async () => {
  const both = [metered(), metered()];
  both.forEach(({ registry }) =>
    observeProcess(registry, { clock: new ManualClock(), component: "broker", resource: RESOURCE })
  );

  const cpu = await Promise.all(both.map(async ({ samples }) => (await samples()).get("process_cpu_seconds_total")));

  assert.ok(cpu.every((seconds) => seconds !== undefined && seconds > 0));
});
