import assert from "node:assert/strict";
import { parse } from "yaml";
import { z } from "zod";
import { type Declarations, readSettings, type Setting, type SettingsOf } from "$lib/settings.ts";
import { AGENT_DECLARATIONS } from "../../agent/settings.ts";
import { DECLARATIONS } from "../../broker/settings.ts";
import { ALERTMANAGER_VERSION } from "../alertmanager/binaries.ts";
import { chartFiles } from "../promql/rule_files.ts";
import { PROMETHEUS_3_VERSION } from "../prometheus/binaries.ts";
import { promtool } from "../prometheus/promtool.ts";
import { testWith } from "../run/parts.ts";
import { readDockerfile, textsOf } from "./dockerfile.ts";

/** No composer runs where the tests run: what is checked is that everything `compose.yaml` names is there and fits. */
const ROOT = new URL("../../", import.meta.url).pathname;
const OWN = ["broker", "agent"] as const;
/** What `tests/alerts/alertmanager_test.ts` tries. */
const ROUTES = "charts/brokkr-broker/alertmanager.yaml";

const Service = z.strictObject({
  image: z.string(),
  restart: z.literal("unless-stopped"),
  profiles: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
  build: z.strictObject({
    context: z.literal("."),
    dockerfile: z.string(),
    args: z.strictObject({ REVISION: z.string() }),
  }).optional(),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.literal("service_healthy") })).default({}),
  environment: z.record(z.string(), z.string().nullable().transform((value) => value ?? "")).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  configs: z.array(z.strictObject({ source: z.string(), target: z.string() })).default([]),
  healthcheck: z.unknown().optional(),
  mem_limit: z.string().regex(/^\d+m$/).optional(),
  read_only: z.boolean().optional(),
  tmpfs: z.array(z.string()).optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
});
const Compose = z.strictObject({
  name: z.string(),
  services: z.record(z.string(), Service),
  configs: z.record(z.string(), z.strictObject({ content: z.string() })),
  volumes: z.record(z.string(), z.null()),
});
type Service = z.infer<typeof Service>;

type Exported = Readonly<Record<string, string>>;

/** What a user has exported who starts an agent too, where the file asks for it. */
const WITH_AGENT: Exported = { TRY_PAK: "brokkr_BRtryonl_x" };
/** And who has telemetry sent. */
const WITH_TELEMETRY: Exported = { ...WITH_AGENT, TRY_OTLP: "http://collector:4318" };

const Pipeline = z.strictObject({ receivers: z.array(z.string()), exporters: z.array(z.string()) });
/** As much of the Collector's configuration as `compose.yaml` has. */
const CollectorConfig = z.strictObject({
  receivers: z.strictObject({
    otlp: z.strictObject({ protocols: z.strictObject({ http: z.strictObject({ endpoint: z.string() }) }) }),
  }),
  exporters: z.strictObject({
    "otlp/jaeger": z.strictObject({ endpoint: z.string(), tls: z.strictObject({ insecure: z.boolean() }) }),
    debug: z.strictObject({}),
  }),
  service: z.strictObject({ pipelines: z.record(z.enum(["traces", "metrics", "logs"]), Pipeline) }),
});

async function compose(exported: Exported = WITH_AGENT): Promise<z.infer<typeof Compose>> {
  const text = await Deno.readTextFile(`${ROOT}compose.yaml`);
  const given = text
    .replaceAll(/\$\{(\w+):-([^}]*)\}/g, (_, name, otherwise) => exported[name] ?? otherwise)
    .replaceAll(/\$\{(\w+):\+([^}]*)\}/g, (_, name, instead) => exported[name] === undefined ? "" : instead);
  return Compose.parse(parse(given));
}

async function portOf(name: string): Promise<string> {
  const [, final] = readDockerfile(await Deno.readTextFile(`${ROOT}${name}/Dockerfile`));
  return final === undefined ? "" : textsOf(final, "EXPOSE").join();
}

function get(services: Record<string, Service>, name: string): Service {
  const service = services[name];
  assert.ok(service !== undefined, `there is no service ${name}`);
  return service;
}

Deno.test("compose.yaml: both programs are built from here, and take the settings that they are given", async () => {
  const { services } = await compose();

  takes(DECLARATIONS, get(services, "broker"));
  takes(AGENT_DECLARATIONS, get(services, "agent"));
  for (const name of OWN) assert.ok((await Deno.stat(`${ROOT}${get(services, name).build?.dockerfile}`)).isFile);
});

Deno.test("compose.yaml: telemetry goes to the Collector where that is asked for, traces from there to Jaeger, and else nowhere", async () => {
  const [sending, silent] = [await compose(WITH_TELEMETRY), await compose()];

  const { receivers, exporters, service } = CollectorConfig.parse(parse(sending.configs.collector?.content ?? ""));
  const { port } = new URL(`http://${receivers.otlp.protocols.http.endpoint}`);
  const broker = takes(DECLARATIONS, get(sending.services, "broker"));
  const agent = takes(AGENT_DECLARATIONS, get(sending.services, "agent"));
  for (const settings of [broker, agent]) {
    assert.deepEqual(
      [String(settings["otlp.endpoint"]), settings["tracing.sample_ratio"]],
      [`http://collector:${port}/`, 1],
    );
  }
  assert.equal(takes(DECLARATIONS, get(silent.services, "broker"))["otlp.endpoint"], undefined);
  assert.equal(takes(AGENT_DECLARATIONS, get(silent.services, "agent"))["otlp.endpoint"], undefined);
  for (const [signal, pipeline] of Object.entries(service.pipelines)) {
    assert.ok(pipeline.receivers.every((receiver) => receiver in receivers), signal);
    assert.ok(pipeline.exporters.every((exporter) => exporter in exporters), signal);
  }
  assert.equal(exporters["otlp/jaeger"].endpoint, "jaeger:4317");
  const [collector, jaeger] = ["collector", "jaeger"].map((name) => get(sending.services, name));
  assert.deepEqual([collector?.profiles, jaeger?.profiles], [["telemetry"], ["telemetry"]]);
  assert.ok(collector?.command?.includes(`--config=${collector.configs[0]?.target}`));
});

function takes<D extends readonly Setting[]>(declarations: Declarations<D>, { environment }: Service): SettingsOf<D> {
  const { settings } = readSettings(declarations, { args: [], env: environment, readFile: () => "" });
  return settings;
}

Deno.test("compose.yaml: Grafana asks the Prometheus that is there, and has every dashboard of the charts", async () => {
  const { services, configs } = await compose();
  const grafana = get(services, "grafana");

  const sources = parse(configs["grafana-sources"]?.content ?? "");
  const providers = parse(configs["grafana-dashboards"]?.content ?? "");
  assert.deepEqual(sources.datasources.map(({ type, url }: { type: string; url: string }) => [type, url]), [
    ["prometheus", `http://prometheus:${get(services, "prometheus").ports[0]?.split(":").at(-1)}`],
  ]);
  const mounts = grafana.volumes.map((volume) => volume.split(":"));
  const folders = chartFiles("dashboards").map((path) => `./${path.slice(0, path.lastIndexOf("/"))}`);
  assert.deepEqual(new Set(mounts.map(([from]) => from)), new Set(folders));
  const { path } = providers.providers[0].options;
  assert.deepEqual(mounts.filter(([, to]) => !to?.startsWith(`${path}/`)), []);
  assert.equal(
    grafana.ports[0],
    `127.0.0.1:${grafana.environment.GF_SERVER_HTTP_PORT}:${grafana.environment.GF_SERVER_HTTP_PORT}`,
  );
});

Deno.test("compose.yaml: what Prometheus fires goes to the Alertmanager that is there, with the charts' routes", async () => {
  const { services, configs } = await compose();
  const { alerting } = parse(configs.prometheus?.content ?? "");

  const { ports, volumes } = get(services, "alertmanager");
  assert.deepEqual(alerting.alertmanagers, [
    { static_configs: [{ targets: [`alertmanager:${ports[0]?.split(":").at(-1)}`] }] },
  ]);
  assert.deepEqual(volumes, [`./${ROUTES}:/etc/alertmanager/alertmanager.yml:ro`]);
});

Deno.test("compose.yaml: both programs may write only where they must, and gain nothing", async () => {
  const { services } = await compose();

  for (const name of OWN) {
    const { read_only, cap_drop, security_opt } = get(services, name);
    assert.deepEqual([read_only, cap_drop, security_opt], [true, ["ALL"], ["no-new-privileges:true"]], name);
  }
});

/** What V8 keeps new objects in: an agent that holds many bundles has less of it. */
const ROOM_FOR_NEW = { broker: "", agent: ",--max-semi-space-size=8" } as const;

Deno.test("compose.yaml: both programs have the charts' memory limits, and V8 60 % of them", async () => {
  const { services } = await compose();

  for (const name of OWN) {
    const { resources } = parse(await Deno.readTextFile(`${ROOT}charts/brokkr-${name}/values.yaml`));
    const { mem_limit = "", environment } = get(services, name);
    const [limit, chartLimit] = [mem_limit, resources.limits.memory].map(mebibytes);
    assert.equal(limit, chartLimit, name);
    const heap = `--max-old-space-size=${Math.floor(Number(limit) * 0.6)}`;
    assert.equal(environment.DENO_V8_FLAGS, `${heap}${ROOM_FOR_NEW[name]}`, name);
  }
});

/** `512m`, `512Mi` and `1Gi`, as Compose and the charts' defaults write memory. */
function mebibytes(text: string): number {
  return Number.parseInt(text) * (text.endsWith("Gi") ? 1024 : 1);
}

Deno.test("compose.yaml: what it takes from elsewhere is of one version, Prometheus and Alertmanager of those that the tests run", async () => {
  const { services } = await compose();

  const foreign = Object.values(services).filter(({ build }) => build === undefined).map(({ image }) => image);

  for (const image of foreign) assert.match(image, /:v?\d+\.\d+(\.\d+)?$/);
  assert.equal(get(services, "prometheus").image, `prom/prometheus:v${PROMETHEUS_3_VERSION}`);
  assert.equal(get(services, "alertmanager").image, `prom/alertmanager:v${ALERTMANAGER_VERSION}`);
});

Deno.test("compose.yaml: every service, volume, folder and port that it names is there", async () => {
  const { services, volumes, configs } = await compose();

  for (const [name, service] of Object.entries(services)) {
    for (const other of Object.keys(service.depends_on)) {
      const { build, healthcheck } = get(services, other);
      assert.ok(build !== undefined || healthcheck !== undefined, `${name} waits for the health of ${other}`);
    }
    for (const [source = ""] of service.volumes.map((volume) => volume.split(":"))) {
      if (/^[./]/.test(source)) await Deno.stat(new URL(source, `file://${ROOT}`));
      else assert.ok(source in volumes, `${name} has the volume ${source}`);
    }
    for (const { source } of service.configs) assert.ok(source in configs);
    for (const port of service.ports) assert.match(port, /^127\.0\.0\.1:(\d+):\1$/);
  }
  assert.equal(get(services, "broker").ports[0]?.split(":").at(-1), await portOf("broker"));
});

for (const [who, exported, programs] of [["the broker", {}, ["broker"]], ["both", WITH_AGENT, OWN]] as const) {
  testWith(
    "prometheus",
    `compose.yaml: Prometheus takes its configuration, with the rules of ${who}, and scrapes no other`,
    async () => {
      const { configs, services } = await compose(exported);
      const folder = await Deno.makeTempDir({ prefix: "brokkr-compose-" });
      try {
        const text = configs.prometheus?.content ?? "";
        const mounts = get(services, "prometheus").volumes.map((volume) => volume.split(":"));
        for (const [from = "", to = ""] of mounts) {
          await Deno.mkdir(`${folder}${to}`, { recursive: true });
          for await (const { name } of Deno.readDir(`${ROOT}${from}`)) {
            await Deno.copyFile(`${ROOT}${from}/${name}`, `${folder}${to}/${name}`);
          }
        }
        const file = `${folder}/prometheus.yml`;
        await Deno.writeTextFile(file, text.replaceAll("/etc/prometheus/", `${folder}/etc/prometheus/`));

        const { code, lines } = await promtool(3).checkConfig(file);

        assert.equal(code, 0, lines.join("\n"));
        assert.equal(
          lines.filter((line) => /SUCCESS: \d+ rules found/.test(line)).length,
          programs.length,
          lines.join("\n"),
        );
        assert.deepEqual(
          targetsIn(text),
          await Promise.all(programs.map(async (name) => `${name}:${await portOf(name)}`)),
        );
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  );
}

function targetsIn(text: string): readonly string[] {
  const { scrape_configs: jobs } = z.object({
    scrape_configs: z.array(z.object({ static_configs: z.array(z.object({ targets: z.array(z.string()) })) })),
  }).parse(parse(text));
  return jobs.flatMap(({ static_configs: groups }) => groups.flatMap(({ targets }) => targets));
}

Deno.test("compose.yaml: Prometheus is started anew when an agent comes, so that it reads the agent's rules", async () => {
  const [before, after] = [await compose({}), await compose()].map(({ services }) => get(services, "prometheus"));

  assert.notDeepEqual(before?.environment, after?.environment);
});
