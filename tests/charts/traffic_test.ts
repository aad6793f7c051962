import assert from "node:assert/strict";
import type { ChartName } from "../../docs/generate/charts/schema.ts";
import { testWith } from "../run/parts.ts";
import { render, type Rendered, template, the, type Values } from "./render.ts";

testWith(
  "helm",
  "chart brokkr-broker: an ending Pod goes on answering while Services forget it, then has all its time",
  async () => {
    const pod = async (values: Values) => the(await render("brokkr-broker", values), "Deployment").spec.template.spec;

    const [asShipped, never] = [await pod({}), await pod({ preStopSleepSeconds: 0 })];

    assert.deepEqual(asShipped.containers[0].lifecycle, { preStop: { sleep: { seconds: 5 } } });
    assert.equal(asShipped.terminationGracePeriodSeconds, 35);
    assert.equal(never.containers[0].lifecycle, undefined);
    assert.equal(never.terminationGracePeriodSeconds, 30);
  },
);

testWith(
  "helm",
  "chart brokkr-broker: what a route opens to the world is the API and its pages, never /metrics",
  async () => {
    const ingress = the(await render("brokkr-broker", { ingress: { enabled: true } }), "Ingress");
    const bare = the(
      await render("brokkr-broker", { ingress: { enabled: true, hosts: [{ host: "a.example" }] } }),
      "Ingress",
    );
    const route = the(
      await render("brokkr-broker", { httpRoute: { enabled: true, parentRefs: [{ name: "gateway" }] } }),
      "HTTPRoute",
    );

    const opened = [ingress, bare].map(({ spec }) =>
      spec.rules[0].http?.paths.map(({ path, pathType }) => [path, pathType])
    );
    const routed = route.spec.rules[0].matches?.map(({ path }) => [path.value, path.type]);

    assert.deepEqual(opened, [[["/api", "Prefix"], ["/console", "Prefix"], ["/docs", "Prefix"]], [["/api", "Prefix"], [
      "/console",
      "Prefix",
    ], ["/docs", "Prefix"]]]);
    assert.deepEqual(routed, [["/api", "PathPrefix"], ["/console", "PathPrefix"], ["/docs", "PathPrefix"]]);
  },
);

const DATABASE = { postgresql: { existingSecret: "database" } };
const ONLY_MINE = [{ podSelector: { matchLabels: { app: "mine" } } }];

/** Values that would not do what they say, and what is said of them. */
const REFUSED: readonly (readonly [ChartName, Values, RegExp])[] = [
  ["brokkr-broker", { networkPolicy: { enabled: true, metricsFrom: ONLY_MINE } }, /metricsFrom .*set metrics\.port/],
  ["brokkr-broker", { httpRoute: { enabled: true } }, /httpRoute\.parentRefs is required/],
  [
    "brokkr-broker",
    { ...DATABASE, autoscaling: { enabled: true, targetCPUUtilizationPercentage: null } },
    /autoscaling\.enabled needs a target/,
  ],
];

for (const [chart, values, refusal] of REFUSED) {
  testWith("helm", `chart ${chart} refuses ${JSON.stringify(values)}`, async () => {
    const { code, stderr } = await template(chart, values);

    assert.notEqual(code, 0);
    assert.match(stderr, refusal);
  });
}

testWith(
  "helm",
  "chart brokkr-broker: metricsFrom limits who scrapes where /metrics has a port of its own",
  async () => {
    const values = { metrics: { port: 9090 }, networkPolicy: { enabled: true, metricsFrom: ONLY_MINE } };

    const { ingress } = the(await render("brokkr-broker", values), "NetworkPolicy").spec;

    assert.deepEqual(ingress, [{ ports: [{ port: "http" }] }, { ports: [{ port: "metrics" }], from: ONLY_MINE }]);
  },
);

testWith(
  "helm",
  "chart brokkr-broker: replicas keep to nodes of their own where they can, and a drain takes one at a time",
  async () => {
    const [one, two, scaled] = await Promise.all([
      {},
      { ...DATABASE, replicaCount: 2 },
      { ...DATABASE, autoscaling: { enabled: true } },
    ].map((values) => render("brokkr-broker", values)));
    const off = await render("brokkr-broker", {
      ...DATABASE,
      replicaCount: 2,
      podDisruptionBudget: { enabled: false },
    });
    const budgets = (objects: readonly Rendered[] = []) => objects.filter(({ kind }) => kind === "PodDisruptionBudget");
    const { metadata, spec } = the(two ?? [], "Deployment").spec.template;

    assert.deepEqual(spec.topologySpreadConstraints, [{
      maxSkew: 1,
      topologyKey: "kubernetes.io/hostname",
      whenUnsatisfiable: "ScheduleAnyway",
      labelSelector: {
        matchLabels: {
          "app.kubernetes.io/name": metadata.labels?.["app.kubernetes.io/name"],
          "app.kubernetes.io/instance": metadata.labels?.["app.kubernetes.io/instance"],
        },
      },
    }]);
    assert.deepEqual([one, two, scaled, off].map((objects) => budgets(objects).length), [0, 1, 1, 0]);
  },
);
