import assert from "node:assert/strict";
import type { LogLine } from "$lib/log.ts";
import { createRegistry } from "$lib/metrics.ts";
import { BATCH_MAX, QUEUE_MAX } from "$lib/telemetry/batch_queue.ts";
import { startLogs } from "$lib/telemetry/logs.ts";
import type { OtlpAnswer } from "$lib/telemetry/otlp.ts";
import { ExportOutcomes, telemetryMetrics } from "$lib/telemetry/outcomes.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { receivedLines } from "../../tests/fakes/otlp_logs.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";

const TIME_MS = Date.UTC(2026, 0, 1, 12);

function start(answer: OtlpAnswer = { kind: "accepted", body: new Uint8Array() }) {
  const clock = new ManualClock();
  const registry = createRegistry({ clock, log: silentLog() });
  const metrics = telemetryMetrics(registry, ["logs"]);
  const payloads: Uint8Array[] = [];
  const logs = startLogs({
    resource: () => ({ "service.name": "brokkr-test" }),
    sender: {
      send(payload) {
        payloads.push(payload);
        return Promise.resolve(answer);
      },
    },
    outcomes: new ExportOutcomes("logs", { metrics, clock, log: silentLog() }),
    outside: (work) => work(),
    maxBytes: 500_000,
    clock,
  });
  return { logs, registry, payloads, lines: () => payloads.flatMap(receivedLines) };
}

function line(more: Partial<LogLine> = {}): LogLine {
  return { timeMs: TIME_MS, level: "info", message: "broker ready", fields: {}, ...more };
}

async function countsOf(registry: ReturnType<typeof createRegistry>): Promise<readonly string[]> {
  const page = await registry.page?.("text") ?? "";
  return page.split("\n").filter((line) => /^brokkr_telemetry_(exports|dropped)/.test(line) && !line.endsWith(" 0"));
}

Deno.test("startLogs() sends a line with its time, severity, message and fields, under its resource", async () => {
  const { logs, lines } = start();

  logs.add(line({ level: "warn", fields: { port: 3000, isPushed: true, host: "a" } }));
  await logs.flush();

  assert.deepEqual(lines(), [{
    ...{ resource: { "service.name": "brokkr-test" }, scope: "brokkr", timeMs: TIME_MS },
    ...{ severity: "WARN", severityNumber: 13, body: "broker ready" },
    attributes: { port: 3000, isPushed: true, host: "a" },
    ...{ traceId: "", spanId: "", flags: 0 },
  }]);
});

Deno.test("startLogs() gives each level the number that OpenTelemetry has for it", async () => {
  const { logs, lines } = start();

  for (const level of ["debug", "info", "warn", "error"] as const) logs.add(line({ level }));
  await logs.flush();

  assert.deepEqual(lines().map(({ severity, severityNumber }) => [severity, severityNumber]), [
    ["DEBUG", 5],
    ["INFO", 9],
    ["WARN", 13],
    ["ERROR", 17],
  ]);
});

Deno.test("startLogs() says of a traced line which span it is of, and not by attributes", async () => {
  const { logs, lines } = start();
  const [trace_id, span_id] = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"];

  logs.add(line({ fields: { trace_id, span_id, trace_flags: "01", stack: "web" } }));
  await logs.flush();

  const sent = lines().map(({ traceId, spanId, flags, attributes }) => ({ traceId, spanId, flags, attributes }));
  assert.deepEqual(sent, [{ traceId: trace_id, spanId: span_id, flags: 1, attributes: { stack: "web" } }]);
});

Deno.test("startLogs() cuts what is longer than 4 KiB, between two characters", async () => {
  const { logs, lines } = start();

  logs.add(line({ message: "x".repeat(5_000), fields: { long: "€".repeat(2_000), short: "€".repeat(1_365) } }));
  await logs.flush();

  const [sent] = lines();
  assert.equal(sent?.body, "x".repeat(4_096));
  assert.deepEqual(sent?.attributes, { long: "€".repeat(1_365), short: "€".repeat(1_365) });
});

Deno.test("startLogs() counts lines that are lost: those that find the queue full, and those of a request that failed", async () => {
  const { logs, registry } = start({ kind: "failed", reason: "status 503" });
  const lost = QUEUE_MAX + 2 * BATCH_MAX; // two batches are under way

  for (let lines = 0; lines < lost + 3; lines += 1) logs.add(line());
  await logs.flush();

  const counts = await countsOf(registry);
  assert.ok(counts.includes('brokkr_telemetry_dropped_total{signal="logs",reason="queue_full"} 3'), counts.join("\n"));
  assert.ok(
    counts.includes(`brokkr_telemetry_dropped_total{signal="logs",reason="failed"} ${lost}`),
    counts.join("\n"),
  );
});
