import assert from "node:assert/strict";
import { parse } from "yaml";
import { createRegistry } from "$lib/metrics.ts";
import type { LogFields } from "$lib/log.ts";
import { readSettings } from "$lib/settings.ts";
import { telemetryPlan } from "$lib/telemetry/plan.ts";
import { openTelemetry } from "$lib/telemetry/telemetry.ts";
import { AGENT_DECLARATIONS } from "../../agent/settings.ts";
import { registerBrokerMetrics } from "../../broker/metrics.ts";
import { DECLARATIONS, readBrokerSettings } from "../../broker/settings.ts";
import { over } from "../charts/leaves.ts";
import { render, the } from "../charts/render.ts";
import { locateCollector } from "../collector/binaries.ts";
import { ManualClock } from "../fakes/manual_clock.ts";
import { noClient, OtlpReceiver } from "../fakes/otlp_receiver.ts";
import { answerOf, countIn, signalOf, type Vendor, VENDORS } from "../fakes/vendors.ts";
import { type Section, sectionsOf } from "./sections.ts";
import { startPrometheus } from "../prometheus/prometheus.ts";
import { testWith } from "../run/parts.ts";

const PAGE = "docs/content/how-to/send-with-otlp.md";
const HEADERS_FILE = "/etc/brokkr/otlp-headers";
const FROM_AGENTS = "From agents that reach nothing but the broker";
const SECTIONS = await sectionsOf(PAGE);

/** Sends a broker's telemetry by what a section has, with another file of headers where one is given. */
async function sent(section: Section, answer: OtlpReceiver["answer"], headers = section["properties"] ?? "") {
  const readFile = (path: string) => path === HEADERS_FILE ? headers : section["toml"] ?? "";
  const env = { BROKKR_CONFIG_FILE: "/etc/brokkr.toml" };
  const { settings, origins } = readBrokerSettings({ args: [], env, readFile });
  const clock = new ManualClock();
  const receiver = new OtlpReceiver();
  receiver.answer = answer;
  const lines: (readonly [string, LogFields])[] = [];
  const note = (message: string, fields: LogFields = {}) => lines.push([message, fields]);
  const log = { debug: () => {}, info: note, warn: note, error: note };
  const plan = telemetryPlan(settings, { env, origins, readFile });
  const telemetry = await openTelemetry(plan, {
    ...{ fetch: receiver.fetch, clock, random: () => 0.5, log, env: {}, userAgent: "test", onSecret: () => {} },
    ...{ makeClient: noClient, readFile: (path) => Promise.resolve(readFile(path)), resource: () => ({}) },
  });
  const registry = createRegistry({ clock, log, readers: telemetry.readers });
  const { requests, duration } = registerBrokerMetrics(registry).http;
  for (let at = 0; at < 900; at += 1) {
    requests.add(1, { method: "GET", endpoint: `/${at}`, status: "200" });
    duration.record(0.1, { method: "GET", endpoint: `/${at}` });
  }
  const running = telemetry.start(registry);
  for (let at = 0; at < 600; at += 1) {
    const attributes = { "db.query.text": "select id from stacks where name = $1\n".repeat(15) };
    running.tracing.begin("SELECT stacks", { attributes })?.end();
    running.logs?.add({ timeMs: clock.now(), level: "info", message: "stack applied", fields: { stack: `web-${at}` } });
  }
  await clock.settle();
  await clock.advance(60_000);
  await running.stop();
  return { receiver, lines, warnings: plan.warnings };
}

Deno.test("send-with-otlp.md: it has a section for each backend, and each is a stand-in's", () => {
  const named = [...SECTIONS].filter(([, { toml }]) => toml !== undefined).map(([heading]) => heading);

  assert.deepEqual(named, [...Object.keys(VENDORS), FROM_AGENTS]);
});

for (const [heading, vendor] of Object.entries(VENDORS)) {
  const section = SECTIONS.get(heading) ?? {};

  Deno.test(`send-with-otlp.md: "${heading}": what is pasted sends every signal that the backend takes, as it asks for them`, async () => {
    const { receiver, lines, warnings } = await sent(section, (request) => answerOf(vendor, request));

    assert.deepEqual([lines, warnings], [[], []]);
    const bySignal = Map.groupBy(receiver.requests, (request) => signalOf(vendor, request));
    assert.deepEqual([...bySignal.keys()].toSorted(), Object.keys(vendor.urls).toSorted());
    const metrics = bySignal.get("metrics") ?? [];
    assert.ok(metrics.length >= 6, "more than a thousand points take several requests, three times");
    for (const signal of ["traces", "logs"] as const) {
      const counts = bySignal.get(signal)?.map(({ body }) => countIn(signal, body));
      assert.ok(counts === undefined || counts.join() === "512,88", `${signal} ${counts}`);
    }
    assert.ok(receiver.requests.some(({ headers }) => headers.get("content-encoding") === "gzip"));
  });

  Deno.test(`send-with-otlp.md: "${heading}": its refusals are said once, and without the key`, async () => {
    const later = { "retry-after": "60" };
    const signals = Object.keys(vendor.urls).toSorted();
    for (const [status, headers] of [[413, {}], [403, {}], [429, later]] as const) {
      const { lines } = await sent(section, () => new Response(null, { status, headers }));

      const expected = signals.map((signal) => ["telemetry can't be sent", { signal, reason: `status ${status}` }]);
      assert.deepEqual(lines.toSorted(bySignalName), expected);
    }
    const body = new Uint8Array([10, 6, 8, 1, 18, 2, 110, 111]);
    const type = { "content-type": "application/x-protobuf" };
    const partly = await sent(section, () => new Response(body, { status: vendor.status, headers: type }));
    assert.deepEqual(partly.lines.map(([message]) => message), [
      ...signals.map(() => "telemetry is sent, but its receiver leaves some of it out"),
    ]);
  });

  if (Object.keys(vendor.headers).length > 0) {
    Deno.test(`send-with-otlp.md: "${heading}": another key than the page says is refused`, async () => {
      const { lines } = await sent(section, (request) => answerOf(vendor, request), "x-other-key=a-secret-value");

      assert.equal(lines.length, Object.keys(vendor.urls).length);
      for (const line of lines) assert.match(JSON.stringify(line), /403/);
      assert.doesNotMatch(JSON.stringify(lines), /a-secret-value/);
    });
  }
}

function bySignalName(one: readonly [string, LogFields], other: readonly [string, LogFields]): number {
  return String(one[1]["signal"]).localeCompare(String(other[1]["signal"]));
}

Deno.test("the stand-ins refuse another temporality, size, path and kind of body", async () => {
  const vendor: Vendor = { ...VENDORS["To Datadog"] ?? assert.fail("it is gone"), headers: {} };
  const request = {
    method: "POST",
    redirect: "manual" as const,
    body: new Uint8Array(),
    url: "https://otlp.datadoghq.com/v1/metrics",
  };
  const headers = new Headers({ "content-type": "application/x-protobuf" });

  const statuses = [
    { ...request, headers },
    { ...request, headers, url: "https://otlp.datadoghq.com/" },
    { ...request, headers: new Headers({ "content-type": "application/json" }) },
    { ...request, headers, body: new Uint8Array(600_000) },
  ].map((one) => answerOf(vendor, one).status);

  assert.deepEqual(statuses, [202, 404, 415, 413]);
  const section = SECTIONS.get("To Datadog") ?? {};
  const cumulative = { ...section, toml: section["toml"]?.replace("delta", "cumulative") ?? "" };
  const { lines } = await sent(cumulative, (one) => answerOf(vendor, one));
  assert.match(JSON.stringify(lines), /status 400: ..delta only/);
});

Deno.test("send-with-otlp.md: agents take every block, and alone the one that names the broker", () => {
  for (const [heading, { toml = "", properties = "" }] of SECTIONS) {
    const sources = {
      args: [],
      env: { BROKKR_CONFIG_FILE: "/etc/brokkr.toml", ...AGENT_ENVIRONMENT },
      readFile: (path: string) => path === HEADERS_FILE ? properties : toml,
    };
    const endpoint = readSettings(AGENT_DECLARATIONS, sources).settings["otlp.endpoint"];

    assert.equal(endpoint === "broker", heading === FROM_AGENTS);
  }
  const readFile = () => SECTIONS.get(FROM_AGENTS)?.["toml"] ?? "";
  const env = { BROKKR_CONFIG_FILE: "/etc/brokkr.toml" };
  assert.throws(() => readSettings(DECLARATIONS, { args: [], env, readFile }), /otlp.endpoint is broker/);
});

const AGENT_ENVIRONMENT = {
  BROKKR__AGENT__BROKER_URL: "https://broker.example",
  BROKKR__AGENT__PAK: "brokkr_BRkey",
  BROKKR__AGENT__AGENT_NAME: "edge-1",
  BROKKR__AGENT__CLUSTER_NAME: "berlin",
};

testWith("prometheus", "send-with-otlp.md: with its configuration Prometheus keeps clusters apart", async () => {
  const config = SECTIONS.get("To Prometheus 3")?.["yaml"] ?? "";
  await using prometheus = await startPrometheus({ version: 3, receivesOtlp: true, config });
  const attribute = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const timeUnixNano = String(BigInt(Date.now()) * 1_000_000n);

  const resourceMetrics = ["berlin", "paris"].map((cluster) => ({
    resource: { attributes: [attribute("service.name", "brokkr-agent"), attribute("cluster", cluster)] },
    scopeMetrics: [{ metrics: [{ name: "level", gauge: { dataPoints: [{ timeUnixNano, asInt: "1" }] } }] }],
  }));
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ resourceMetrics });
  const answer = await fetch(`${prometheus.otlpUrl}/v1/metrics`, { method: "POST", headers, body });

  assert.equal(answer.status, 200, await answer.text());
  assert.deepEqual(
    (await prometheus.query("sum by (cluster) (level)")).map(({ labels }) => labels["cluster"]).toSorted(),
    [
      "berlin",
      "paris",
    ],
  );
});

testWith(
  "helm",
  "send-with-otlp.md: its values give the broker's chart an endpoint, and the headers of a Secret",
  async () => {
    const [headers = "", collector = ""] = [...SECTIONS.values()].flatMap(({ yaml }) => yaml ?? []);

    const objects = await render("brokkr-broker", over(parse(headers), parse(collector)));

    const pod = JSON.stringify(the(objects, "Deployment").spec);
    assert.match(pod, /BROKKR__OTLP__ENDPOINT","value":"http:\/\/collector\.observability:4318"/);
    assert.match(pod, /BROKKR__OTLP__HEADERS_FILE/);
    assert.match(pod, /"secretName":"otlp-headers"/);
  },
);

testWith(
  "collector",
  "send-with-otlp.md: a Collector takes the receiver that is to be in its configuration",
  async () => {
    const folder = await Deno.makeTempDir();
    const receiving = parse(SECTIONS.get("To an OpenTelemetry Collector")?.["yml"] ?? "");
    const pipeline = { receivers: ["otlp"], exporters: ["file"] };
    const pipelines = Object.fromEntries(["metrics", "traces", "logs"].map((signal) => [signal, pipeline]));
    const config = { ...receiving, exporters: { file: { path: `${folder}/all.json` } }, service: { pipelines } };
    await Deno.writeTextFile(`${folder}/collector.yaml`, JSON.stringify(config));

    const args = ["validate", `--config=${folder}/collector.yaml`];
    const { code, stderr } = await new Deno.Command(locateCollector() ?? "", { args, stderr: "piped" }).output();

    await Deno.remove(folder, { recursive: true });
    assert.deepEqual(
      [code, receiving.receivers.otlp.protocols.http.endpoint],
      [0, "0.0.0.0:4318"],
      new TextDecoder().decode(stderr),
    );
  },
);

Deno.test("documents: none says that OTLP or traces are still to be built", async () => {
  const paths = [
    "docs/content/reference/monitoring.md",
    "docs/content/explanation/how-metrics-are-made.md",
    ".github/ISSUE_TEMPLATE/otlp.md",
  ];
  const unbuilt = /not built yet|to come|built once|, later/i;

  const texts = await Promise.all(paths.map((path) => Deno.readTextFile(path)));

  assert.deepEqual(texts.flatMap((text) => text.split("\n").filter((line) => unbuilt.test(line))), []);
});
