import assert from "node:assert/strict";
import { readSettings, variableOf } from "$lib/settings.ts";
import { AGENT_DECLARATIONS } from "../../agent/settings.ts";
import { DECLARATIONS } from "../../broker/settings.ts";
import { type ChartName, CHARTS, variablesIn } from "../../docs/generate/charts/schema.ts";
import { makeAuthority } from "../fakes/certificates.ts";
import { testWith } from "../run/parts.ts";
import { at, over, schemaParts } from "./leaves.ts";
import { type PodSpec, render, type Rendered, the, type Values } from "./render.ts";
import { AGENT_VALUES, SAMPLES } from "./samples.ts";

const CHART_NAMES = Object.keys(CHARTS) as ChartName[];
/** What no chart gives, with the reason. */
const NOT_GIVEN = [
  "agent.pak", // the key is in a file, so that a new one is used at once: agent.pak_file
  "otlp.headers", // a secret: it is in a file, so that a new one is used at once: otlp.headers_file
  "otlp.metrics_headers", // likewise
  "otlp.traces_headers", // likewise
  "otlp.logs_headers", // likewise
  "database.listen_url", // a secret that few need: extraEnv, from a Secret of theirs
];

const CERTIFICATE = await (await makeAuthority("Test CA")).issue();

for (const chart of CHART_NAMES) {
  Deno.test(`chart ${chart}: every setting is given by a value of its own or is one of settings`, async () => {
    const variables = await variablesIn(chart);
    const { leaves } = await schemaParts(chart);
    const paths = new Set(leaves.map(({ path }) => path));

    const missing = CHARTS[chart].map(({ key }) => key)
      .filter((key) => !variables.has(variableOf(key)) && !paths.has(`settings.${key}`));

    assert.deepEqual(missing.filter((key) => !NOT_GIVEN.includes(key)), []);
  });

  Deno.test(`chart ${chart}: every variable that it gives is one of a setting`, async () => {
    const declared = new Set(CHARTS[chart].map(({ key }) => variableOf(key)));

    const unknown = [...await variablesIn(chart)].filter((variable) => !declared.has(variable));

    assert.deepEqual(unknown, []);
  });
}

for (const [name, { chart, values }] of Object.entries(SAMPLES)) {
  testWith(
    "helm",
    `chart ${chart}: its program takes what ${name} tells it, and what it tells the Pod of helm test`,
    async () => {
      const objects = await render(chart, values);
      const pods = [the(objects, "Deployment").spec.template.spec, the(objects, "Pod").spec];

      const [settings, tested] = pods.map((pod) => read(chart, environmentOf(pod, objects), mountedIn(pod)));

      assert.equal(settings?.["metrics.enabled"], !name.endsWith("-unmetered"));
      assert.ok(tested !== undefined);
    },
  );
}

testWith("helm", "charts: helm test looks for the program at its Service", async () => {
  for (
    const [chart, values] of [["brokkr-broker", { service: { port: 80 } }], ["brokkr-agent", AGENT_VALUES]] as const
  ) {
    const objects = await render(chart, values);
    const settings = read(chart, environmentOf(the(objects, "Pod").spec, objects));
    const { metadata, spec: { ports: [first] } } = the(objects, "Service");

    const asked = settings["broker.listen"] ??
      { hostname: settings["agent.health_address"], port: settings["agent.health_port"] };

    assert.deepEqual(asked, { hostname: metadata.name, port: first?.port });
  }
});

testWith("helm", "chart brokkr-broker: a value of settings reaches the program as it was written", async () => {
  const values = {
    settings: {
      broker: { max_body_bytes: 104_857_600, allow_known_dev_key: true },
      cors: { allowed_origins: ["https://one.example", "https://two.example"] },
      metrics: { refresh_interval: 2.5 },
      log: { format: "json" },
    },
  };

  const settings = read("brokkr-broker", await environmentWith("brokkr-broker", values));

  assert.equal(settings["broker.max_body_bytes"], 104_857_600);
  assert.equal(settings["broker.allow_known_dev_key"], true);
  assert.deepEqual(settings["cors.allowed_origins"], ["https://one.example", "https://two.example"]);
  assert.equal(settings["metrics.refresh_interval"], 2.5);
  assert.equal(settings["log.format"], "json");
});

testWith("helm", "chart brokkr-agent: generators are taken as a list and as a text with commas", async () => {
  const ids = ["6b1ad6c6-6f0e-4b5e-8f7a-0f6e3ef1a001", "6b1ad6c6-6f0e-4b5e-8f7a-0f6e3ef1a002"];
  for (const given of [ids, ids.join(",")]) {
    const values = over(AGENT_VALUES, at("broker.generatorIds", given));

    const settings = read("brokkr-agent", await environmentWith("brokkr-agent", values));

    assert.deepEqual(settings["agent.generator_ids"], ids);
  }
});

testWith(
  "helm",
  "charts: a variable of extraEnv takes the place of the chart's own, and stands there once",
  async () => {
    const extraEnv = [{ name: "BROKKR__LOG__LEVEL", value: "debug" }];
    const { env } = the(await render("brokkr-broker", { extraEnv }), "Deployment").spec.template.spec.containers[0];

    const given = env.filter(({ name }) => name === "BROKKR__LOG__LEVEL");

    assert.deepEqual(given, extraEnv);
  },
);

type Environment = Readonly<Record<string, string>>;

async function environmentWith(chart: ChartName, values: Values): Promise<Environment> {
  const objects = await render(chart, values);
  return environmentOf(the(objects, "Deployment").spec.template.spec, objects);
}

/** What the kubelet would give the container; of Secrets that are not the chart's, something likely. */
function environmentOf(pod: PodSpec, objects: readonly Rendered[]): Environment {
  const likely: Environment = { "database-url": "postgres://db.example/brokkr", "pak-hash": "b".repeat(64) };
  const own = objects.find(({ kind }) => kind === "Secret")?.data ?? {};
  return Object.fromEntries(pod.containers[0].env.map(({ name, value, valueFrom }) => {
    if (valueFrom?.fieldRef !== undefined) return [name, valueFrom.fieldRef.fieldPath];
    const key = valueFrom?.secretKeyRef?.key ?? "";
    return [name, value ?? (own[key] === undefined ? likely[key] : atob(own[key])) ?? ""];
  }));
}

/** Reads files as the container does: those of Secrets are where the chart mounts these, and nowhere else. */
function mountedIn({ containers: [{ volumeMounts = [] }] }: PodSpec): (path: string) => string {
  return (path) => {
    const isMounted = volumeMounts.some(({ mountPath }) => path.startsWith(`${mountPath}/`));
    if (isMounted && path.endsWith("/ca.crt")) return CERTIFICATE.cert;
    if (isMounted && path.includes("/tls/")) return path.endsWith(".key") ? CERTIFICATE.key : CERTIFICATE.cert;
    if (isMounted && path.includes("/otlp/headers/")) return "api-key=a-long-enough-key";
    if (isMounted) return "a-long-enough-token";
    throw new Deno.errors.NotFound(path);
  };
}

/** The settings as the chart's program reads them; @throws with every fault that it finds. */
function read(
  chart: ChartName,
  env: Environment,
  readFile: (path: string) => string = Deno.readTextFileSync,
): Readonly<Record<string, unknown>> {
  const sources = { args: [], env, readFile };
  return chart === "brokkr-broker"
    ? readSettings(DECLARATIONS, sources).settings
    : readSettings(AGENT_DECLARATIONS, sources).settings;
}
