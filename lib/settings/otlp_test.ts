import assert from "node:assert/strict";
import { otlpFaults, readSettings, SHARED_SETTINGS } from "$lib/settings.ts";
import { telemetryPlan } from "$lib/telemetry/plan.ts";

const DECLARATIONS = { settings: SHARED_SETTINGS, passedOver: [], rules: otlpFaults };
const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c" };

/** Which signals are sent by these flags and variables, and why others are not. */
function planned(env: Readonly<Record<string, string>>, args: readonly string[] = []) {
  const readFile = () => "";
  const { settings, origins, text } = readSettings(DECLARATIONS, { args, env, readFile });
  const { metrics, traces, logs, warnings } = telemetryPlan(settings, { env, origins, readFile });
  const sent = Object.entries({ metrics, traces, logs }).filter(([, plan]) => plan !== undefined).map(([name]) => name);
  return { sent, ratio: traces?.ratio, reasons: warnings.map(({ fields }) => fields.reason), text };
}

Deno.test("telemetryPlan() sends a signal whose exporter is otlp by OpenTelemetry's own word for that", () => {
  const [traces, logs] = [{ ...ENDPOINT, OTEL_TRACES_EXPORTER: "OTLP" }, { ...ENDPOINT, OTEL_LOGS_EXPORTER: "otlp" }];

  assert.deepEqual(planned(ENDPOINT).sent, ["metrics"]);
  assert.deepEqual(planned(traces).sent, ["metrics", "traces"]);
  assert.deepEqual(planned(logs).sent, ["metrics", "logs"]);
  assert.deepEqual(planned({ ...ENDPOINT, OTEL_LOGS_EXPORTER: "console, otlp," }).sent, ["metrics", "logs"]);
  assert.deepEqual(planned(traces, ["--tracing-enabled=false"]).sent, ["metrics"]);
  assert.deepEqual(planned(logs, ["--otlp-logs=false"]).sent, ["metrics"]);
  assert.deepEqual([planned(traces).ratio, planned(traces, ["--tracing-sample-ratio=0.5"]).ratio], [0, 0.5]);
  assert.match(planned(logs).text, /^otlp\.logs = true \(OTEL_LOGS_EXPORTER\)$/m);
});

Deno.test("telemetryPlan() sends no signal whose exporters are others, and one with no name as if it were not set", () => {
  for (const others of ["none", "console", "none,", "prometheus"]) {
    const [OTEL_METRICS_EXPORTER, OTEL_LOGS_EXPORTER] = [others, others];

    const { sent, reasons } = planned({ ...ENDPOINT, OTEL_METRICS_EXPORTER, OTEL_LOGS_EXPORTER });

    assert.deepEqual([sent, reasons], [[], []], others);
  }
  assert.deepEqual(planned({ ...ENDPOINT, OTEL_METRICS_EXPORTER: " , " }).sent, ["metrics"]);
});

Deno.test("telemetryPlan() says once of each signal whose exporter is otlp that nobody says where to", () => {
  const asked = { OTEL_METRICS_EXPORTER: "otlp", OTEL_TRACES_EXPORTER: "otlp", OTEL_LOGS_EXPORTER: "otlp" };

  assert.deepEqual(planned(asked).reasons, [
    "OTEL_METRICS_EXPORTER is otlp: it wants otlp.metrics_endpoint or otlp.endpoint",
    "tracing.enabled is true: it wants otlp.traces_endpoint or otlp.endpoint (OTEL_TRACES_EXPORTER)",
    "otlp.logs is true: it wants otlp.logs_endpoint or otlp.endpoint (OTEL_LOGS_EXPORTER)",
  ]);
  const off = ["--metrics-enabled=false", "--tracing-enabled=false", "--otlp-logs=false"];
  assert.deepEqual(planned(asked, off).reasons, []);
  assert.deepEqual(
    planned({ ...asked, OTEL_SDK_DISABLED: "true" }).reasons,
    Array(3).fill("OTEL_SDK_DISABLED is true"),
  );
});
