import assert from "node:assert/strict";
import { parse } from "yaml";
import { z } from "zod";
import { CreateAgentResponse } from "$lib/wire/agent.ts";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import type { ChartName } from "../../docs/generate/charts/schema.ts";
import { mustHaveAllSignals, submitSampled } from "../collector/all_signals.ts";
import { startCollector } from "../collector/collector.ts";
import { makeAuthority } from "../fakes/certificates.ts";
import { findPostgres, startPostgres } from "../postgres/postgres_server.ts";
import { type Prometheus, startPrometheus, type Target } from "../prometheus/prometheus.ts";
import { sectionsOf } from "../pages/sections.ts";
import { type Part, testWith } from "../run/parts.ts";
import { waitFor } from "../run/wait.ts";
import { type Api, apiClient } from "../system/api.ts";
import { adminKey } from "../system/keys.ts";
import { inventory, NAMESPACE, openPlace, type Place } from "./cluster.ts";
import { installDefinitions } from "./crds/install.ts";
import { type Pod, type RunningPod, runPod } from "./kubelet.ts";
import { over } from "./leaves.ts";
import { asFound, fromApiServer, operatorConfig } from "./operator.ts";
import type { Rendered, Values } from "./render.ts";

const PARTS: readonly Part[] = ["nodes", "helm", "definitions", "prometheus", "postgres", "collector"];
const MONITORED = {
  serviceMonitor: { enabled: true, interval: "1s" },
  prometheusRule: { enabled: true },
  dashboards: { enabled: true },
};
const TLS = "certificate";
const TLS_CONFIG = { ca: { secret: { name: TLS, key: "ca.crt" } } };
const SECURED = { ...MONITORED, serviceMonitor: { ...MONITORED.serviceMonitor, tlsConfig: TLS_CONFIG } };
const SCRAPED_APART = { ...MONITORED, port: 9090, bearerToken: { existingSecret: "scrape" } };
/** The ways to have metrics, and not to have them: each is a release of both charts. */
const METRICS = {
  beside: MONITORED,
  apart: SCRAPED_APART,
  secured: SECURED,
  without: { ...SCRAPED_APART, enabled: false },
};
type Way = keyof typeof METRICS;

testWith(
  PARTS,
  "charts: what they install is scraped, and sends what it is told to, by what they install",
  async (test) => {
    await using started = new AsyncDisposableStack();
    const place = started.use(await openPlace());
    const collector = started.use(await startCollector());
    const sent = await sendingTo(collector.url);
    await prepare(place);
    const pods: Ran[] = [];
    const run = async (release: Release) => {
      const running = started.use(await runPod(place, await install(place, release, sent)));
      pods.push({ ...release, ...running });
      return running;
    };

    const isRunning = await test.step("both start by what their Pods say, and their probes are content", async () => {
      const { pak, pakHash } = await adminKey();
      const brokers = await brokerReleases(place, { pakHash, started });
      const [broker] = await Promise.all(brokers.map(run));
      const url = broker?.program.url ?? "";
      const api = apiClient(url, pak);
      const team = await api.send(CreateGeneratorResponse, "POST", "/generators", { name: "shop" });
      const generatorId = team.generator.id;
      const agents = await agentReleases(url, { api, generatorId });
      const stackId = await stackFor({ api, generatorId, agentId: agents[0]?.agentId });
      await submitSampled({ url, pak: team.pak, stackId });
      await Promise.all(agents.map(run));
    });
    if (!isRunning) return;

    await test.step("those with the values of send-with-otlp.md send all their signals to a Collector", async () => {
      await mustHaveAllSignals(collector);
    });

    await test.step("without metrics there is nothing to find, and no /metrics", async () => {
      const unmetered = pods.filter(({ way }) => way === "without");
      assert.equal(unmetered.length, 2);

      await mustMakeNothingToFind(place);
      for (const { addresses } of unmetered) {
        for (const address of addresses.values()) assert.equal(await statusOf(`http://${address}/metrics`), 404);
      }
    });

    const addresses = new Map(pods.flatMap((pod) => [...pod.addresses]));
    let found: readonly Target[] = [];
    const isFound =
      await test.step("Prometheus 3 finds those with metrics, and reads what they say under its own names", async () => {
        const config = await operatorConfig(place, { discovery: fromApiServer(place), addresses });
        await using prometheus = await startPrometheus({ version: 3, config });

        await mustScrape(prometheus, pods);

        found = await prometheus.targets();
      });
    if (!isFound) return;

    await test.step("Prometheus 2, shown what is there, does too", async () => {
      const config = await operatorConfig(place, { discovery: asFound(found), addresses });
      await using prometheus = await startPrometheus({ version: 2, config });

      await mustScrape(prometheus, pods);
    });
  },
);

/** The values of the page, headers too, for a Collector that is another one here. */
async function sendingTo(url: string): Promise<Values> {
  const blocks = [...(await sectionsOf("docs/content/how-to/send-with-otlp.md")).values()].flatMap(({ yaml }) =>
    yaml ?? []
  );
  const [headers = "", collector = ""] = blocks;
  return over(parse(headers), parse(collector.replace("http://collector.observability:4318", url)));
}

interface Team {
  readonly api: Api;
  readonly generatorId: string;
}

/** A stack that the agent is to have. */
async function stackFor(
  { api, generatorId, agentId }: Team & { readonly agentId: string | undefined },
): Promise<string> {
  const stack = { name: "web", generator_id: generatorId };
  const { id } = await api.send(z.looseObject({ id: z.uuid() }), "POST", "/stacks", stack);
  await api.send(z.unknown(), "POST", `/agents/${agentId}/targets`, { agent_id: agentId, stack_id: id });
  return id;
}

interface Release {
  readonly way: Way;
  readonly chart: ChartName;
  readonly values: Values;
}

type Ran = Release & Pick<RunningPod, "pod" | "addresses">;

async function prepare(place: Place): Promise<void> {
  await installDefinitions(place.admin);
  await createSecret(place, "scrape", { token: "a-long-enough-token" });
  await createSecret(place, "otlp-headers", { headers: "x-team=a-team-of-ours" });
  const authority = await makeAuthority("Test CA");
  const { cert, key } = await authority.issue(`secured-brokkr-broker.${NAMESPACE}.svc`);
  await createSecret(place, TLS, { "tls.crt": cert, "tls.key": key, "ca.crt": authority.cert });
}

async function createSecret(
  { admin }: Place,
  name: string,
  stringData: Readonly<Record<string, string>>,
): Promise<void> {
  await admin.request("POST", `/api/v1/namespaces/${NAMESPACE}/secrets`, { metadata: { name }, stringData });
}

const WAYS = Object.keys(METRICS) as Way[];

interface BrokersNeed {
  readonly pakHash: string;
  readonly started: AsyncDisposableStack;
}

/** A database for each, in a Secret of the user's; the hash of the key is in the chart's own. */
async function brokerReleases(place: Place, { pakHash, started }: BrokersNeed): Promise<readonly Release[]> {
  const binaries = await findPostgres();
  assert.ok(binaries !== undefined);
  const server = started.use(await startPostgres(binaries, { durable: false }));
  return await Promise.all(WAYS.map(async (way) => {
    const existingSecret = `database-${way}`;
    await createSecret(place, existingSecret, { "database-url": (await server.createDatabase()).url });
    const tls = way === "secured" ? { tls: { existingSecret: TLS, clientCaKey: "ca.crt" } } : {};
    const values = { postgresql: { existingSecret }, broker: { pakHash }, ...tls };
    return { way, chart: "brokkr-broker" as const, values };
  }));
}

/**
 * An agent for each but the one with TLS, which agents have none of; all at one broker, their keys in the chart's own
 * Secret.
 */
async function agentReleases(
  url: string,
  { api, generatorId }: Team,
): Promise<readonly (Release & { readonly agentId: string })[]> {
  return await Promise.all(
    WAYS.filter((way) => way !== "secured").map(async (way) => {
      const body = { name: way, cluster_name: "cluster", generator_ids: [generatorId] };
      const { agent, initial_pak: pak } = await api.send(CreateAgentResponse, "POST", "/agents", body);
      await api.send(z.unknown(), "PUT", `/agents/${agent.id}`, { status: "ACTIVE" });
      const broker = { url, agentName: way, clusterName: "cluster", pak };
      const values = { broker, agent: { pollingInterval: 1 } };
      return { way, chart: "brokkr-agent" as const, agentId: agent.id, values };
    }),
  );
}

/** `helm install`; answers the Pod that comes of it. */
async function install(place: Place, { way, chart, values }: Release, sent: Values): Promise<Pod> {
  const all = { ...values, metrics: METRICS[way], ...(way === "beside" ? sent : {}) };
  await place.helm("install", { name: `${way}-${chart}`, chart, values: all });
  await place.rolledOut(`${way}-${chart}`);
  const [pod, ...others] = await list<Pod>(place, "pods", { way, chart });
  assert.ok(pod !== undefined && others.length === 0);
  return pod;
}

async function list<T>(
  { admin }: Place,
  what: string,
  { way, chart }: Pick<Release, "way" | "chart">,
): Promise<readonly T[]> {
  const path = `/api/v1/namespaces/${NAMESPACE}/${what}?labelSelector=app.kubernetes.io/instance=${way}-${chart}`;
  return (await admin.request<{ items: readonly T[] }>("GET", path)).items;
}

async function mustScrape(prometheus: Prometheus, pods: readonly Ran[]): Promise<void> {
  const metered = pods.filter(({ way }) => way !== "without");
  const up = await waitFor(async () => {
    const samples = await prometheus.query("up");
    return samples.length >= metered.length && samples.every(({ value }) => value === 1) ? samples : undefined;
  }, { what: "see all targets up", detail: () => summary(prometheus) });

  const names = (await prometheus.series('{pod!=""}')).flatMap((labels) => Object.keys(labels));
  assert.deepEqual([...new Set(names)].filter((name) => name.startsWith("exported_")), []);
  assert.deepEqual(up.map(({ labels }) => labels).sort(byPod), metered.map(labelsOf).sort(byPod));
  for (const pod of metered.filter(({ chart }) => chart === "brokkr-broker")) await mustShowRoutes(prometheus, pod);
}

async function mustShowRoutes(prometheus: Prometheus, { way, pod: { metadata: { name } } }: Ran): Promise<void> {
  const routes = ["/healthz", "/readyz", ...way === "beside" ? ["/metrics", "/api/v1/agents/:id/snapshot"] : []];
  await waitFor(async () => {
    const samples = await prometheus.query(`sum by (endpoint) (brokkr_http_requests_total{pod="${name}"} > 0)`);
    const seen = samples.map(({ labels }) => labels["endpoint"]);
    if (routes.every((route) => seen.includes(route))) return true;
    throw new Error(`${name} shows ${seen}`);
  }, { what: `see all of ${routes}` });
}

async function summary(prometheus: Prometheus): Promise<string> {
  const targets = await prometheus.targets();
  return targets.map(({ labels, health, lastError }) => `${labels["pod"]}: ${health} ${lastError}`).join("\n");
}

type Labels = Readonly<Record<string, string>>;

function byPod(left: Labels, right: Labels): number {
  return (left["pod"] ?? "") < (right["pod"] ?? "") ? -1 : 1;
}

/** What the operator's documents promise of a target, but for `endpoint`. */
function labelsOf({ way, chart, pod, addresses }: Ran): Labels {
  const isOwnService = chart === "brokkr-broker" && way === "apart";
  return {
    __name__: "up",
    container: chart.replace("brokkr-", ""),
    instance: (way === "apart" ? [...addresses.values()].at(-1) : [...addresses.values()][0]) ?? "",
    job: chart,
    namespace: NAMESPACE,
    pod: pod.metadata.name,
    service: `${way}-${chart}${isOwnService ? "-metrics" : ""}`,
  };
}

async function mustMakeNothingToFind(place: Place): Promise<void> {
  const made = [...(await inventory(place.admin)).keys()].filter((name) => name.includes(" without-"));
  assert.ok(made.includes("Deployment without-brokkr-broker") && made.includes("Deployment without-brokkr-agent"));
  assert.deepEqual(
    made.filter((name) => /^(ServiceMonitor|PodMonitor|PrometheusRule|ConfigMap) |metrics/.test(name)),
    [],
  );
  for (const chart of ["brokkr-broker", "brokkr-agent"] as const) {
    const services = await list<Rendered>(place, "services", { way: "without", chart });
    const pods = await list<Pod>(place, "pods", { way: "without", chart });
    const ports = [
      ...services.flatMap(({ spec }) => spec.ports),
      ...pods.flatMap(({ spec }) => spec.containers[0].ports),
    ];
    assert.deepEqual(
      ports.map(({ name }) => name),
      chart === "brokkr-broker" ? ["http", "http"] : ["health", "health"],
    );
  }
}

async function statusOf(url: string): Promise<number> {
  const answer = await fetch(url);
  await answer.body?.cancel();
  return answer.status;
}
