import { counter, gauge, histogram } from "$lib/metrics.ts";

const LAG_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** What both programs' pages hold besides their own: what runs, for how long, and what it takes. */
export const PROCESS_METRICS = {
  buildInfo: gauge({
    name: "brokkr_build_info",
    help: "What runs here, always 1; revision is the commit it was built of, where the build said so.",
    labels: { component: ["broker", "agent"], version: "text", revision: "text", deno_version: "text" },
    example: "count by (component, version) (brokkr_build_info)",
  }),
  targetInfo: gauge({
    name: "target_info",
    help: "The resource that this page is about, as OpenTelemetry names it, always 1.",
    labels: { service_name: "text", service_version: "text" },
    example: "count by (service_name, service_version) (target_info)",
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
    help: "JavaScript heap in use, in bytes.",
    example: "deno_heap_used_bytes",
  }),
  scrapeDuration: gauge({
    name: "brokkr_metrics_scrape_duration_seconds",
    help: "Time that the previous page took to make; 0 before the second.",
    initial: 0,
    example: "brokkr_metrics_scrape_duration_seconds",
  }),
};
