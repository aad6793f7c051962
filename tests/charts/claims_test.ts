import assert from "node:assert/strict";
import { parse } from "yaml";
import { VERSION } from "$lib/program/version.ts";
import { testWith } from "../run/parts.ts";
import { type ChartName, CHARTS } from "../../docs/generate/charts/schema.ts";
import { chartFolder, helmWith, type Labels, render, type Rendered, template, the, withImage } from "./render.ts";
import { AGENT_VALUES, SAMPLES } from "./samples.ts";

const CHART_NAMES = Object.keys(CHARTS) as ChartName[];
const PASSWORD = "p@ss word+/";

testWith("helm", "charts: helm lint --strict finds nothing, with every sample's values", async () => {
  for (const { chart, values } of Object.values(SAMPLES)) {
    const { code, stdout, stderr } = await helmWith(withImage(chart, values), ["lint", "--strict", chartFolder(chart)]);

    assert.equal(code, 0, stdout + stderr);
  }
});

Deno.test("charts: their versions are the programs'", async () => {
  for (const chart of CHART_NAMES) {
    const { version, appVersion } = parse(await textOf(chart, "Chart.yaml"));

    assert.deepEqual({ chart, version, appVersion }, { chart, version: VERSION, appVersion: VERSION });
  }
});

Deno.test("charts: what says that it is the same file in both is", async () => {
  const [broker = new Map(), agent] = await Promise.all(CHART_NAMES.map(sharedFiles));

  assert.ok(broker.size >= 10);
  assert.deepEqual(broker, agent);
});

testWith(
  "helm",
  "chart brokkr-broker refuses a second broker on the embedded database, and says what to set",
  async () => {
    for (const values of [{ replicaCount: 2 }, { autoscaling: { enabled: true } }]) {
      const { code, stderr } = await template("brokkr-broker", values);

      assert.notEqual(code, 0);
      assert.match(stderr, /needs PostgreSQL.*set postgresql\.external\.host or postgresql\.existingSecret/);
    }
  },
);

testWith("helm", "chart brokkr-agent refuses to be told no broker, no name or no key", async () => {
  for (const name of ["url", "agentName", "clusterName", "existingSecret"]) {
    const { code, stderr } = await template("brokkr-agent", { broker: { ...AGENT_VALUES.broker, [name]: "" } });

    assert.notEqual(code, 0);
    assert.match(stderr, new RegExp(`broker\\.${name}.* is required`));
  }
});

testWith("helm", "chart brokkr-broker: the password is escaped in the URL, and in the Secret only", async () => {
  const objects = await renderSample("broker-production");
  const url = new URL(atob(the(objects, "Secret").data?.["database-url"] ?? ""));

  assert.equal(decodeURIComponent(url.password), PASSWORD);
  assert.equal(decodeURIComponent(url.username), "brokkr@db");
  assert.deepEqual([url.host, url.pathname, url.search], ["db.example:5432", "/brokkr", "?sslmode=require"]);
  const others = objects.filter(({ kind }) => kind !== "Secret");
  const shown = others.filter((one) =>
    [PASSWORD, encodeURIComponent(PASSWORD)].some((it) => JSON.stringify(one).includes(it))
  );
  assert.deepEqual(shown, []);
});

testWith(
  "helm",
  "charts: without metrics there is no monitoring object, and no port or Service named metrics",
  async () => {
    for (const name of ["broker-unmetered", "agent-unmetered"]) {
      const objects = await renderSample(name);

      const kinds = objects.map(({ kind }) => kind);
      assert.deepEqual(kinds.filter((kind) => ["ServiceMonitor", "PrometheusRule", "ConfigMap"].includes(kind)), []);
      assert.ok(!/"name":"[^"]*metrics[^"]*"|"port":"metrics"/.test(JSON.stringify(objects)));
      assert.equal(variables(objects).get("BROKKR__METRICS__ENABLED"), "false");
      assert.ok(!variables(objects).has("BROKKR__METRICS__PORT"));
    }
  },
);

testWith(
  "helm",
  "charts: a ServiceMonitor finds one Service, which leads to /metrics, and drops the operator's endpoint",
  async () => {
    for (const [name, port] of [["broker-production", 3000], ["broker-own-secrets", 9090], ["agent-monitored", 8080]]) {
      const objects = await renderSample(String(name));
      const { selector, endpoints: [endpoint] } = the(objects, "ServiceMonitor").spec;

      const found = objects
        .filter(({ kind, metadata }) => kind === "Service" && matches(selector.matchLabels, metadata.labels))
        .flatMap(({ spec }) => spec.ports.filter(({ name }) => name === endpoint.port));
      const [target] = podOf(objects).containers[0].ports.filter(({ name }) => name === found[0]?.targetPort);

      assert.equal(found.length, 1);
      assert.equal(target?.containerPort, port);
      assert.equal(endpoint.path, "/metrics");
      assert.deepEqual(endpoint.relabelings, [{ action: "labeldrop", regex: "endpoint" }]);
    }
  },
);

testWith("helm", "charts: every selector finds the program's Pod, and never the one that helm test runs", async () => {
  for (const name of Object.keys(SAMPLES)) {
    const objects = await renderSample(name);
    const pod = the(objects, "Deployment").spec.template.metadata.labels;
    const test = the(objects, "Pod").metadata.labels;

    const selectors = objects.flatMap(selectorsOf);

    assert.ok(selectors.length >= 2);
    assert.deepEqual(selectors.filter((one) => !matches(one, pod) || matches(one, test)), [], name);
  }
});

testWith(
  "helm",
  "charts: whatever is set, the programs run as 10001, without rights, on a root they cannot write",
  async () => {
    for (const name of Object.keys(SAMPLES)) {
      const objects = await renderSample(name);

      for (const { securityContext, containers: [container] } of [podOf(objects), the(objects, "Pod").spec]) {
        assert.equal(securityContext.runAsUser, 10_001);
        assert.equal(securityContext.runAsNonRoot, true);
        assert.deepEqual(securityContext.seccompProfile, { type: "RuntimeDefault" });
        assert.deepEqual(container.securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
      }
    }
  },
);

testWith("helm", "charts: a change of the Secret starts a new Pod, any other change of it does not", async () => {
  const checksum = async (password: string, port: number) => {
    const values = { postgresql: { external: { host: "db", password } }, service: { port } };
    const { template } = the(await render("brokkr-broker", values), "Deployment").spec;
    return template.metadata.annotations?.["checksum/secret"];
  };

  assert.notEqual(await checksum("one", 80), await checksum("two", 80));
  assert.equal(await checksum("one", 80), await checksum("one", 81));
});

/** What an object finds Pods by. */
function selectorsOf({ kind, spec }: Rendered): readonly Labels[] {
  if (kind === "Service") return [{ ...spec.selector } as unknown as Labels];
  if (kind === "NetworkPolicy") return [spec.podSelector.matchLabels];
  return ["Deployment", "PodDisruptionBudget", "ServiceMonitor"].includes(kind) ? [spec.selector.matchLabels] : [];
}

async function renderSample(name: string): Promise<readonly Rendered[]> {
  const sample = SAMPLES[name];
  assert.ok(sample !== undefined);
  return await render(sample.chart, sample.values);
}

/** The templates that say that they are the same in both charts, by their paths. */
async function sharedFiles(chart: ChartName): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const folder of ["templates", "templates/tests"]) {
    for await (const { name, isFile } of Deno.readDir(`${chartFolder(chart)}/${folder}`)) {
      const text = isFile ? await textOf(chart, `${folder}/${name}`) : "";
      if (text.includes("The same file in both charts")) found.set(`${folder}/${name}`, text);
    }
  }
  return found;
}

function textOf(chart: ChartName, path: string): Promise<string> {
  return Deno.readTextFile(`${chartFolder(chart)}/${path}`);
}

function podOf(objects: readonly Rendered[]) {
  return the(objects, "Deployment").spec.template.spec;
}

function variables(objects: readonly Rendered[]): ReadonlyMap<string, string | undefined> {
  return new Map(podOf(objects).containers[0].env.map(({ name, value }) => [name, value]));
}

function matches(selector: Labels, labels: Labels = {}): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}
