import assert from "node:assert/strict";
import { otlpFaults, readSettings, SHARED_SETTINGS } from "$lib/settings.ts";
import { telemetryPlan } from "$lib/telemetry/plan.ts";

/** What these flags and variables come to, where every file is there. */
function planned(args: readonly string[], env: Readonly<Record<string, string>>) {
  const readFile = () => "PEM";
  const { settings, origins, text } = readSettings(DECLARATIONS, { args, env, readFile });
  const { metrics, traces, warnings } = telemetryPlan(settings, { env, origins, readFile });
  return { metrics, traces, reasons: warnings.map(({ fields }) => fields.reason), printed: text.split("\n") };
}

const MILLISECONDS = "a whole number of milliseconds from 100 to 3600000";
const DECLARATIONS = { settings: SHARED_SETTINGS, passedOver: [], rules: otlpFaults };

Deno.test("telemetryPlan() takes a variable of one signal before that of all, and neither before a setting of ours", () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://c",
    OTEL_TRACES_SAMPLER: "ParentBased_Always_On",
    OTEL_EXPORTER_OTLP_TIMEOUT: "2500",
    OTEL_EXPORTER_OTLP_COMPRESSION: "none",
    OTEL_EXPORTER_OTLP_CERTIFICATE: "/other",
    OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE: "/ca",
    OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: "/ca2",
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "4000",
    OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: "GZIP",
  };
  const shown = ({ metrics, traces }: ReturnType<typeof planned>) =>
    [metrics, traces].map((plan) => {
      const { timeoutMs, compression, caFile } = plan?.target ?? {};
      return [timeoutMs, compression, caFile];
    });

  const theirs = planned([], env);
  const ours = planned(["--otlp-timeout-seconds=9", "--otlp-ca-file=/ca", "--otlp-compression=none"], env);

  assert.deepEqual(shown(theirs), [
    [2_500, "none", "/ca"],
    [4_000, "gzip", "/ca2"],
  ]);
  assert.deepEqual(shown(ours), [
    [9_000, "none", "/ca"],
    [9_000, "none", "/ca"],
  ]);
  assert.deepEqual([theirs.reasons, ours.reasons, theirs.traces?.ratio], [[], [], 1]);
});

Deno.test("telemetryPlan() switches one signal off for its variable that can't be used, and no other", () => {
  const passedOver = "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION is passed over: it must be one of gzip, none";
  const bad = [
    ["TIMEOUT", "soon", `OTEL_EXPORTER_OTLP_TRACES_TIMEOUT is passed over: it must be ${MILLISECONDS}`],
    ["COMPRESSION", "zstd", passedOver],
    [
      ...["CLIENT_KEY", "/key"],
      "otlp.client_cert_file and otlp.client_key_file must be given together (OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY)",
    ],
  ] as const;

  for (const [name, value, reason] of bad) {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c", [`OTEL_EXPORTER_OTLP_TRACES_${name}`]: value };
    const { metrics, traces, reasons } = planned(["--tracing-sample-ratio=1"], env);
    assert.deepEqual([metrics?.target.timeoutMs, traces, reasons], [10_000, undefined, [reason]]);
  }
});

Deno.test("--print-settings shows what is said for one signal, and why what can't be used is passed over", () => {
  const env = {
    OTEL_EXPORTER_OTLP_TIMEOUT: "ten",
    OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: "2500",
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "abc",
    OTEL_EXPORTER_OTLP_LOGS_COMPRESSION: "none",
    OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: "/ca",
  };
  const shown = ({ printed }: ReturnType<typeof planned>) =>
    printed.filter((line) => /^otlp\.(timeout_seconds|compression|ca_file|endpoint) /.test(line));
  const expects = `is passed over: it must be ${MILLISECONDS}`;

  assert.deepEqual(shown(planned([], env)), [
    "otlp.endpoint is not set",
    "otlp.ca_file is not set; for traces /ca (OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE)",
    "otlp.compression = gzip (default); for logs none (OTEL_EXPORTER_OTLP_LOGS_COMPRESSION)",
    [
      `otlp.timeout_seconds = 10 (default); OTEL_EXPORTER_OTLP_TIMEOUT ${expects}`,
      "for metrics 2.5 (OTEL_EXPORTER_OTLP_METRICS_TIMEOUT)",
      `OTEL_EXPORTER_OTLP_TRACES_TIMEOUT ${expects}`,
    ].join("; "),
  ]);
  assert.deepEqual(
    shown(planned(["--otlp-timeout-seconds=9", "--otlp-ca-file=/own", "--otlp-compression=gzip"], env)),
    [
      "otlp.endpoint is not set",
      "otlp.ca_file = /own (--otlp-ca-file)",
      "otlp.compression = gzip (--otlp-compression)",
      "otlp.timeout_seconds = 9 (--otlp-timeout-seconds)",
    ],
  );
});
