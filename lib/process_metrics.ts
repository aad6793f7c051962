import process from "node:process";
import { type Clock, processStartMs } from "$lib/clock.ts";
import { bound, type BoundHistogram, counter, gauge, histogram, isLabelName, type Registry } from "$lib/metrics.ts";
import { cleanName } from "$lib/metrics/text.ts";
import type { Resource } from "$lib/resource.ts";
import { REVISION, VERSION } from "$lib/program/version.ts";

/** The two programs. */
const COMPONENTS = ["broker", "agent"] as const;
/** One of {@linkcode COMPONENTS}. */
export type Component = (typeof COMPONENTS)[number];

const LAG_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** What both programs' pages hold besides their own: what runs, for how long, and what it takes. */
export const PROCESS_METRICS = {
  buildInfo: gauge({
    name: "brokkr_build_info",
    help: "What runs here, always 1; revision is the commit it was built of, where the build said so.",
    labels: { component: COMPONENTS, version: "text", revision: "text", deno_version: "text" },
    example: "count by (component, version) (brokkr_build_info)",
  }),
  targetInfo: gauge({
    name: "target_info",
    help:
      "The resource that this page is about, always 1: the agent's k8s_cluster_name, and what OTEL_RESOURCE_ATTRIBUTES says, are labels too.",
    labels: { service_name: "text", service_namespace: "text", service_version: "text", service_instance_id: "text" },
    example: "count by (service_name, service_version) (target_info)",
    isOfPage: true,
  }),
  cpu: counter({
    name: "process_cpu_seconds_total",
    help: "Processor time used, in seconds.",
    example: "rate(process_cpu_seconds_total[5m])",
  }),
  residentMemory: gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory, in bytes.",
    example: "process_resident_memory_bytes",
  }),
  startTime: gauge({
    name: "process_start_time_seconds",
    help: "When the process started, in seconds since the Unix epoch.",
    example: "time() - process_start_time_seconds",
  }),
  eventLoopLag: histogram({
    name: "deno_event_loop_lag_seconds",
    help: "How much later than asked for a timer fired: time in which the program could answer nobody.",
    unit: "s",
    buckets: LAG_BUCKETS,
    example: "histogram_quantile(0.99, sum by (le, job) (rate(deno_event_loop_lag_seconds_bucket[5m])))",
  }),
  heapUsed: gauge({
    name: "deno_heap_used_bytes",
    help: "JavaScript heap of the main thread in use, in bytes.",
    example: "deno_heap_used_bytes",
  }),
};

/** What is read of a process at a moment. */
export interface ProcessReading {
  /** Processor time used since the process started. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
}

/** What observing a process needs. */
export interface ObservationParts {
  readonly clock: Pick<Clock, "after" | "monotonic">;
  readonly component: Component;
  /** What the page is about. */
  readonly resource: Resource;
  /** Reads the process; left out, this one. */
  readonly read?: () => ProcessReading;
}

/** Milliseconds between two looks at the event loop: a stop of the program that takes longer is always seen. */
export const LAG_INTERVAL_MS = 100;

/**
 * Puts {@linkcode PROCESS_METRICS} on the page of `registry`. What can be read at any time is read when a page is made.
 *
 * @returns Ends the look at the event loop, so that no timer is left.
 */
export function observeProcess(
  registry: Registry,
  { clock, component, resource, read = readProcess }: ObservationParts,
): () => void {
  if (registry.page === undefined) return () => {};
  const labels = targetLabels(resource);
  const targetInfo = { ...PROCESS_METRICS.targetInfo, labels: declared(labels) };
  const metrics = registry.register({ ...PROCESS_METRICS, targetInfo });
  metrics.buildInfo.record(1, { component, version: VERSION, revision: REVISION, deno_version: Deno.version.deno });
  metrics.targetInfo.record(1, labels);
  metrics.startTime.record(processStartMs() / 1_000);
  let countedSeconds = 0;
  registry.onCollect(() => {
    const { cpuSeconds, residentBytes, heapUsedBytes } = read();
    metrics.cpu.add(cpuSeconds - countedSeconds);
    countedSeconds = cpuSeconds;
    metrics.residentMemory.record(residentBytes);
    metrics.heapUsed.record(heapUsedBytes);
  });
  return watchLag(clock, bound(metrics.eventLoopLag));
}

const TARGET_LABELS_MAX = 20;
const TARGET_VALUE_MAX = 255;

/** The resource as labels: of two attributes whose names become one the first, and none of Prometheus's own. */
function targetLabels(resource: Resource): Readonly<Record<string, string>> {
  const labels = new Map<string, string>();
  for (const [attribute, value] of Object.entries(resource)) {
    const name = cleanName(attribute);
    if (!isLabelName(name) || labels.has(name) || labels.size >= TARGET_LABELS_MAX) continue;
    labels.set(name, value.slice(0, TARGET_VALUE_MAX));
  }
  return Object.fromEntries(labels);
}

function declared(labels: Readonly<Record<string, string>>): Readonly<Record<string, "text">> {
  return Object.fromEntries(Object.keys(labels).map((name) => [name, "text" as const]));
}

function readProcess(): ProcessReading {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = Deno.memoryUsage();
  return { cpuSeconds: (user + system) / 1_000_000, residentBytes: rss, heapUsedBytes: heapUsed };
}

/** Asks for a timer again and again, and records how late each comes. */
function watchLag(clock: ObservationParts["clock"], lag: BoundHistogram): () => void {
  let cancel = ask();
  function ask(): () => void {
    const askedMs = clock.monotonic();
    return clock.after(LAG_INTERVAL_MS, () => {
      lag.record(Math.max(0, clock.monotonic() - askedMs - LAG_INTERVAL_MS) / 1_000);
      cancel = ask();
    });
  }
  return () => cancel();
}
