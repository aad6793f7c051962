import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import { otlpFaults, readSettings, SHARED_SETTINGS } from "$lib/settings.ts";
import type { OtlpTarget } from "$lib/telemetry/otlp.ts";
import { type BrokerRelay, secretsOf, telemetryPlan } from "$lib/telemetry/plan.ts";

const FILES: Readonly<Record<string, string>> = {
  "/headers": "api-key=k",
  "/bad": "no headers",
  "/ca": "PEM",
  "/ca2": "PEM",
};

function readFile(path: string): string {
  const text = FILES[path];
  if (text === undefined) throw new Error("No such file");
  return text;
}

/** What these flags and variables come to: a plan, or every fault. */
function planned(args: readonly string[], env: Readonly<Record<string, string>> = {}, relay?: BrokerRelay) {
  const declarations = {
    ...{ settings: SHARED_SETTINGS, passedOver: [], rules: otlpFaults },
  };
  try {
    const { settings, origins } = readSettings(declarations, { args, env, readFile });
    const { metrics, traces, logs, warnings } = telemetryPlan(settings, { env, origins, readFile, relay });
    const reasons = warnings.map(({ message, fields }) => fields.reason ?? message);
    return { url: hrefOf(metrics?.target.url), metrics, traces, logs: hrefOf(logs?.target.url), reasons, faults: [] };
  } catch (error) {
    if (error instanceof Failure) return { faults: error.details?.errors };
    throw error;
  }
}

function hrefOf(url: OtlpTarget["url"] | undefined): string | undefined {
  return (typeof url === "function" ? url() : url)?.href;
}

function urlOf(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { url, reasons, faults } = planned(args, env);
  assert.deepEqual([reasons, faults], [[], []]);
  return url;
}

Deno.test("telemetryPlan() sends nothing where nobody says where to", () => {
  assert.deepEqual(planned([]), {
    url: undefined,
    metrics: undefined,
    traces: undefined,
    logs: undefined,
    reasons: [],
    faults: [],
  });
  assert.equal(urlOf([], { OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_METRIC_EXPORT_INTERVAL: "soon" }), undefined);
});

Deno.test("telemetryPlan() appends the signal's path to a base URL, also after a path, and to no other", () => {
  assert.equal(urlOf(["--otlp-endpoint=http://c:4318"]), "http://c:4318/v1/metrics");
  assert.equal(urlOf(["--otlp-endpoint=http://c:4318/"]), "http://c:4318/v1/metrics");
  assert.equal(urlOf(["--otlp-endpoint=https://c/api/v1/otlp?a=b"]), "https://c/api/v1/otlp/v1/metrics?a=b");
  assert.equal(urlOf(["--otlp-metrics-endpoint=https://c/in"]), "https://c/in");
  assert.equal(urlOf(["--metrics-otlp-endpoint=https://c/in/"]), "https://c/in/v1/metrics");
  assert.equal(urlOf(["--metrics-otlp-endpoint=https://c/in/v1/metrics"]), "https://c/in/v1/metrics");
});

Deno.test("telemetryPlan() takes an endpoint of metrics before that of all signals, and `none` for none", () => {
  const all = "--otlp-endpoint=http://all";

  assert.equal(urlOf([all, "--otlp-metrics-endpoint=http://own/x"]), "http://own/x");
  assert.equal(urlOf([all, "--metrics-otlp-endpoint=http://own"]), "http://own/v1/metrics");
  assert.equal(urlOf([all, "--otlp-metrics-endpoint=none"]), undefined);
});

Deno.test("telemetryPlan() takes OpenTelemetry's variables where nobody gave the setting", () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://theirs", BROKKR__METRICS__ENABLED: "true" };

  assert.equal(urlOf([], env), "http://theirs/v1/metrics");
  assert.equal(urlOf(["--otlp-endpoint=http://ours"], env), "http://ours/v1/metrics");
  assert.equal(urlOf([], { ...env, OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://own/x" }), "http://own/x");
  assert.equal(urlOf([], { ...env, OTEL_METRICS_EXPORTER: "none" }), undefined);
  assert.equal(urlOf([], { ...env, OTEL_METRICS_EXPORTER: "prometheus" }), undefined);
  assert.equal(urlOf([], { ...env, OTEL_METRICS_EXPORTER: "otlp,prometheus" }), "http://theirs/v1/metrics");
  assert.equal(urlOf([], { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: " " }), undefined);
});

Deno.test("telemetryPlan() takes metrics.otlp_endpoint before any variable that names an endpoint", () => {
  const env = { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://theirs/x" };

  assert.equal(urlOf(["--metrics-otlp-endpoint=http://ours"], env), "http://ours/v1/metrics");
  assert.equal(
    urlOf(["--metrics-otlp-endpoint=http://ours"], { OTEL_METRICS_EXPORTER: "none" }),
    "http://ours/v1/metrics",
  );
});

Deno.test("telemetryPlan() reads what OpenTelemetry has in milliseconds, in capitals and percent-encoded", () => {
  const { metrics } = planned([], {
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://c",
    OTEL_EXPORTER_OTLP_HEADERS: "Authorization=Basic%20YTpi==, x-a = b%2Cc",
    OTEL_EXPORTER_OTLP_METRICS_HEADERS: "x-a=d",
    OTEL_EXPORTER_OTLP_TIMEOUT: "2500",
    OTEL_EXPORTER_OTLP_COMPRESSION: "none",
    OTEL_METRIC_EXPORT_INTERVAL: "15000",
    OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "DELTA",
    OTEL_EXPORTER_OTLP_CERTIFICATE: "/ca",
  });

  const { target, temporality, intervalMs } = metrics ?? assert.fail("nothing is sent");
  assert.deepEqual([temporality, intervalMs, target.timeoutMs, target.compression], ["delta", 15_000, 2_500, "none"]);
  assert.deepEqual(target.headers, [["authorization", "Basic YTpi=="], ["x-a", "b,c"]]);
  assert.deepEqual([target.signalHeaders, target.caFile], [[["x-a", "d"]], "/ca"]);
});

Deno.test("telemetryPlan() says that traces go on by tracecontext alone, where OTEL_PROPAGATORS is without it", () => {
  const reasons = (value: string, args: readonly string[] = ["--otlp-traces-endpoint=http://c/x"]) =>
    planned(args, { OTEL_PROPAGATORS: value }).reasons;

  assert.deepEqual([reasons(""), reasons("baggage, TraceContext"), reasons("b3", [])], [[], [], []]);
  for (const value of ["none", "b3,jaeger"]) {
    assert.deepEqual(reasons(value), ["OTEL_PROPAGATORS is passed over: traces go on by tracecontext alone"], value);
  }
});

const BAD: readonly (readonly [variable: string, value: string, reason: string])[] = [
  ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "it must be http/protobuf"],
  ["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/json", "it must be http/protobuf"],
  ["OTEL_EXPORTER_OTLP_HEADERS", "no headers", "it must be headers such as"],
  ["OTEL_EXPORTER_OTLP_TIMEOUT", "ten", "it must be a whole number of milliseconds from 100 to 3600000"],
  ["OTEL_EXPORTER_OTLP_TIMEOUT", "0", "it must be a whole number of milliseconds from 100 to 3600000"],
  ["OTEL_METRIC_EXPORT_INTERVAL", "500", "it must be a whole number of milliseconds from 1000 to 86400000"],
  ["OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "it must be one of gzip, none"],
  ["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "sum", "it must be one of cumulative, delta, lowmemory"],
  ["OTEL_METRICS_EXPORTER", "statsd", "it must be otlp or none"],
  ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "collector:4318", "it must be a URL"],
  ["OTEL_EXPORTER_OTLP_TIMEOUT", "61000", "it must not be more than otlp.metrics_interval_seconds, which is 60"],
  ["OTEL_EXPORTER_OTLP_CERTIFICATE", "/gone", "which can't be used: No such file"],
  ["OTEL_EXPORTER_OTLP_CLIENT_KEY", "/key", "must be given together"],
];
for (const [variable, value, reason] of BAD) {
  Deno.test(`telemetryPlan() sends nothing, and says so once, where ${variable} is ${value}`, () => {
    const { url, reasons = [], faults } = planned(["--otlp-endpoint=http://c"], { [variable]: value });

    assert.deepEqual([url, faults, reasons.length], [undefined, [], 1]);
    assert.ok(String(reasons[0]).includes(reason) && String(reasons[0]).includes(variable), String(reasons[0]));
    if (value.length > 5) assert.ok(!String(reasons[0]).includes(value), "it shows the value");
  });
}

Deno.test("telemetryPlan() passes over a bad variable where a setting of ours says it", () => {
  const env = { OTEL_EXPORTER_OTLP_TIMEOUT: "ten", OTEL_EXPORTER_OTLP_ENDPOINT: "collector" };

  assert.equal(urlOf(["--otlp-endpoint=http://c", "--otlp-timeout-seconds=5"], env), "http://c/v1/metrics");
  assert.equal(
    urlOf(["--otlp-metrics-endpoint=http://c/x", "--otlp-timeout-seconds=5"], env),
    "http://c/x",
  );
});

Deno.test("telemetryPlan() says so where the only endpoint is a variable that can't be used", () => {
  const { reasons } = planned([], { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" });

  const expects = "a URL that starts with http:// or https://, without a user";
  assert.deepEqual(reasons, [`OTEL_EXPORTER_OTLP_ENDPOINT is passed over: it must be ${expects}`]);
});

Deno.test("telemetryPlan() sends nothing where OpenTelemetry is switched off, whoever named the endpoint", () => {
  assert.deepEqual(planned(["--otlp-endpoint=http://c"], { OTEL_SDK_DISABLED: "TRUE" }).reasons, [
    "OTEL_SDK_DISABLED is true",
  ]);
  assert.equal(urlOf(["--otlp-endpoint=http://c"], { OTEL_SDK_DISABLED: "false" }), "http://c/v1/metrics");
});

Deno.test("telemetryPlan() warns of the port of gRPC, and sends nevertheless", () => {
  const { url, reasons } = planned(["--otlp-endpoint=http://c:4317"]);

  assert.equal(url, "http://c:4317/v1/metrics");
  assert.match(String(reasons?.[0]), /has the port of OTLP over gRPC/);
});

Deno.test("telemetryPlan() sends no metrics where there are none: with an endpoint of theirs that is a fault", () => {
  const off = "--metrics-enabled=false";

  assert.equal(urlOf([off, "--otlp-endpoint=http://c"]), undefined);
  assert.equal(urlOf([off], { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://c" }), undefined);
  assert.deepEqual(planned([off, "--metrics-otlp-endpoint=http://c"]).faults, [
    "metrics.otlp_endpoint is set: it wants metrics.enabled",
  ]);
  assert.deepEqual(planned([off, "--otlp-metrics-endpoint=http://c"]).faults, [
    "otlp.metrics_endpoint is set: it wants metrics.enabled",
  ]);
  assert.equal(urlOf([off, "--otlp-metrics-endpoint=none"]), undefined);
});

Deno.test("telemetryPlan() lets the default timeout give way to a shorter interval", () => {
  const { metrics } = planned(["--otlp-endpoint=http://c", "--otlp-metrics-interval-seconds=5"]);

  assert.deepEqual([metrics?.intervalMs, metrics?.target.timeoutMs], [5_000, 5_000]);
});

const FAULTS: readonly (readonly [args: readonly string[], fault: RegExp])[] = [
  [["--otlp-metrics-endpoint=http://a", "--metrics-otlp-endpoint=http://b"], /must not be given together/],
  [["--otlp-timeout-seconds=61"], /otlp.timeout_seconds is 61: it must not be more than/],
  [["--otlp-client-cert-file=/ca"], /must be given together/],
  [["--otlp-ca-file=/gone"], /otlp.ca_file names "\/gone", which can't be used: No such file/],
  [["--otlp-headers-file=/gone"], /otlp.headers_file names "\/gone", which can't be used: No such file/],
  [["--otlp-headers-file=/bad"], /otlp.headers_file names "\/bad", which can't be used: it must hold headers/],
  [["--otlp-headers=secret"], /^otlp.headers must be headers such as `[^`]+`, values percent-encoded [^"]*$/],
  [["--otlp-headers=a b=c"], /^otlp.headers must be/],
  [["--otlp-headers=a=%zz"], /^otlp.headers must be/],
  [["--otlp-headers=a=b%0Ac"], /^otlp.headers must be/],
  [["--otlp-endpoint=http://me:secret@c"], /^otlp.endpoint must be a URL that starts with [^"]*, without a user/],
  [["--otlp-max-points=0"], /^otlp.max_points must be a whole number from 1/],
];
for (const [args, fault] of FAULTS) {
  Deno.test(`the settings stop the start with ${args.join(" ")}`, () => {
    const { faults } = planned(args);

    assert.ok(Array.isArray(faults) && faults.length === 1, JSON.stringify(faults));
    assert.match(faults[0], fault);
    assert.doesNotMatch(faults[0], /secret@/);
  });
}

Deno.test("the settings stop the start with a certificate and a key that are none", () => {
  const { faults } = planned(["--otlp-client-cert-file=/ca", "--otlp-client-key-file=/ca"]);

  const wanted = "that can be used: one in PEM, not encrypted, is wanted";
  assert.deepEqual(faults, [
    `otlp.client_*_file: "/ca" holds no certificate ${wanted}`,
    `otlp.client_*_file: "/ca" holds no private key ${wanted}`,
  ]);
});

Deno.test("secretsOf() has a header's value, and what follows its scheme, but nothing that is too short for a key", () => {
  assert.deepEqual(secretsOf("Basic YWRtaW46eHh4"), ["Basic YWRtaW46eHh4", "YWRtaW46eHh4"]);
  assert.deepEqual(secretsOf("0123456789"), ["0123456789", "0123456789"]);
  assert.deepEqual(secretsOf("brokkr"), []);
});

Deno.test("--print-settings shows which variable a value is from, and which one is passed over, and no header", () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://c",
    OTEL_EXPORTER_OTLP_HEADERS: "api-key=secret",
    OTEL_EXPORTER_OTLP_COMPRESSION: "zstd",
  };
  const { text } = readSettings({ settings: SHARED_SETTINGS, passedOver: [] }, { args: [], env, readFile });

  assert.deepEqual(text.split("\n").filter((line) => /^otlp\.(endpoint|headers|compression) /.test(line)), [
    "otlp.endpoint = http://c (OTEL_EXPORTER_OTLP_ENDPOINT)",
    "otlp.headers = *** (OTEL_EXPORTER_OTLP_HEADERS)",
    "otlp.compression = gzip (default); OTEL_EXPORTER_OTLP_COMPRESSION is passed over: it must be one of gzip, none",
  ]);
});

/** What is traced by these flags and variables: where it goes, the ratio, and whether callers are followed. */
function tracedBy(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { traces, faults } = planned(args, env);
  assert.deepEqual(faults, []);
  return traces && [hrefOf(traces.target.url), traces.ratio, traces.followsParent];
}

Deno.test("telemetryPlan() traces where an endpoint of traces, a ratio or a word for it says so", () => {
  const base = "--otlp-endpoint=http://c";

  assert.equal(tracedBy([base]), undefined);
  assert.deepEqual(tracedBy(["--otlp-traces-endpoint=http://c/in"]), ["http://c/in", 0, true]);
  assert.deepEqual(tracedBy([base, "--tracing-sample-ratio=0.01"]), ["http://c/v1/traces", 0.01, true]);
  assert.deepEqual(tracedBy([base, "--tracing-enabled"]), ["http://c/v1/traces", 0, true]);
  assert.equal(tracedBy([base, "--tracing-enabled=false", "--tracing-sample-ratio=1"]), undefined);
  assert.equal(tracedBy([base, "--tracing-sample-ratio=1", "--otlp-traces-endpoint=none"]), undefined);
  assert.equal(tracedBy(["--tracing-sample-ratio=1"]), undefined);
  assert.deepEqual(tracedBy([base, "--metrics-enabled=false", "--tracing-enabled"]), ["http://c/v1/traces", 0, true]);
});

Deno.test("the settings stop the start with traces that go nowhere", () => {
  const fault = "tracing.enabled is true: it wants otlp.traces_endpoint or otlp.endpoint";

  assert.deepEqual(planned(["--tracing-enabled"]).faults, [fault]);
  assert.deepEqual(planned(["--tracing-enabled", "--otlp-traces-endpoint=none"]).faults, [fault]);
});

const SAMPLERS: readonly (readonly [sampler: string, share: string, ratio: number, followsParent: boolean])[] = [
  ["always_on", "", 1, false],
  ["always_off", "", 0, false],
  ["traceidratio", "0.25", 0.25, false],
  ["traceidratio", "", 1, false],
  ["parentbased_always_on", "", 1, true],
  ["parentbased_always_off", "", 0, true],
  ["parentbased_traceidratio", "0.5", 0.5, true],
  ["parentbased_traceidratio", ".125", 0.125, true],
  ["traceidratio", "1e-3", 0.001, false],
];
for (const [sampler, share, ratio, followsParent] of SAMPLERS) {
  Deno.test(`telemetryPlan() samples as OTEL_TRACES_SAMPLER=${sampler} ${share} says`, () => {
    const env = { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: share };

    assert.deepEqual(tracedBy(["--otlp-traces-endpoint=http://c/in"], env), ["http://c/in", ratio, followsParent]);
    assert.deepEqual(tracedBy(["--otlp-traces-endpoint=http://c/in", "--tracing-sample-ratio=0.1"], env)?.[1], 0.1);
  });
}

for (
  const [variable, value] of [
    ["OTEL_TRACES_SAMPLER", "jaeger_remote"],
    ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"],
    ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "none"],
    ["OTEL_DENO", "true"],
    ["OTEL_DENO_TRACING", "1"],
  ] as const
) {
  Deno.test(`telemetryPlan() sends no traces, and says so once, where ${variable} is ${value}: metrics go on`, () => {
    const args = ["--otlp-endpoint=http://c", "--tracing-enabled"];
    const { url, traces, reasons = [], faults } = planned(args, { [variable]: value });

    assert.deepEqual([url, traces, faults, reasons.length], ["http://c/v1/metrics", undefined, [], 1]);
    assert.ok(String(reasons[0]).includes(variable), String(reasons[0]));
  });
}

Deno.test("telemetryPlan() sends no traces where a share of the sampler is none, and traces nothing else for it", () => {
  const env = { OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "2" };

  const { traces, reasons } = planned(["--otlp-traces-endpoint=http://c/in"], env);

  assert.equal(traces, undefined);
  assert.match(String(reasons), /^OTEL_TRACES_SAMPLER is passed over: it must be one of always_on/);
});

Deno.test("telemetryPlan() lets a bad variable of metrics leave traces alone", () => {
  const env = { OTEL_METRIC_EXPORT_INTERVAL: "soon", OTEL_METRICS_EXPORTER: "statsd" };

  assert.deepEqual(tracedBy(["--otlp-endpoint=http://c", "--tracing-enabled"], env), ["http://c/v1/traces", 0, true]);
});

Deno.test("telemetryPlan() sends lines of the log where a word or an endpoint of their own says so, and never by default", () => {
  const base = "--otlp-endpoint=http://c";
  const env = { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "http://theirs/in" };

  assert.equal(planned([base]).logs, undefined);
  assert.equal(planned([base, "--otlp-logs"]).logs, "http://c/v1/logs");
  assert.equal(planned(["--otlp-logs-endpoint=http://c/in"]).logs, "http://c/in");
  assert.equal(planned([], env).logs, "http://theirs/in");
  assert.equal(planned(["--otlp-logs=false"], env).logs, undefined);
  assert.notDeepEqual(planned([base, "--otlp-logs", "--otlp-logs-endpoint=none"]).faults, []);
  assert.equal(planned([base, "--otlp-logs"], { OTEL_LOGS_EXPORTER: "none" }).logs, undefined);
  assert.deepEqual(planned(["--otlp-logs"]).faults, [
    "otlp.logs is true: it wants otlp.logs_endpoint or otlp.endpoint",
  ]);
});

Deno.test("telemetryPlan() says so where a bad variable is all that asks for traces or lines of the log", () => {
  for (const [signal, key] of [["TRACES", "traces"], ["LOGS", "logs"]] as const) {
    const { reasons = [], faults } = planned([], { [`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`]: "collector" });

    assert.deepEqual([reasons.length, faults], [1, []], key);
    assert.match(String(reasons[0]), new RegExp(`^OTEL_EXPORTER_OTLP_${signal}_ENDPOINT is passed over`));
  }
});

Deno.test("telemetryPlan() takes an agent's broker for a receiver, with the agent's key and certificates, and no other", () => {
  const known: { agentId?: string } = {};
  const relay: BrokerRelay = {
    urlOf: (path) =>
      known.agentId === undefined ? undefined : new URL(`https://broker/agents/${known.agentId}/otlp${path}`),
    key: () => Promise.resolve("pak"),
    ...{ caFile: "/ca", clientCertFile: undefined, clientKeyFile: undefined },
  };
  const args = ["--otlp-endpoint=broker", "--otlp-headers=api-key=for-others", "--tracing-sample-ratio=1"];

  const { metrics, traces, reasons } = planned(args, {}, relay);
  const before = hrefOf(metrics?.target.url);
  known.agentId = "a1";

  assert.deepEqual([before, reasons], [undefined, []]);
  assert.deepEqual([metrics, traces].map((plan) => hrefOf(plan?.target.url)), [
    "https://broker/agents/a1/otlp/v1/metrics",
    "https://broker/agents/a1/otlp/v1/traces",
  ]);
  const { url: _, ...target } = metrics?.target ?? assert.fail("metrics are not sent");
  const { urlOf: __, ...connection } = relay;
  assert.deepEqual(target, {
    ...{ ...connection, headers: [], signalHeaders: [], headersFile: undefined },
    ...{ compression: "gzip", maxBytes: 500_000, timeoutMs: 10_000 },
  });
  const direct = planned([...args, "--otlp-metrics-endpoint=http://own/x"], {}, relay);
  assert.deepEqual([direct.url, hrefOf(direct.traces?.target.url)], [
    "http://own/x",
    "https://broker/agents/a1/otlp/v1/traces",
  ]);
});

Deno.test("telemetryPlan() does not take the word of a variable that all programs have for the broker", () => {
  const { url, reasons } = planned([], { OTEL_EXPORTER_OTLP_ENDPOINT: "broker" });

  assert.equal(url, undefined);
  assert.match(reasons?.join() ?? "", /^OTEL_EXPORTER_OTLP_ENDPOINT is passed over: it must be a URL.*without a user$/);
});
