import assert from "node:assert/strict";
import { type ChartName, CHARTS } from "../../docs/generate/charts/schema.ts";
import { testWith } from "../run/parts.ts";
import { over } from "./leaves.ts";
import { render, the } from "./render.ts";
import { LEAST } from "./samples.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const SIDECAR = { name: "beside", image: "beside:1" };
const FIRST = { name: "first", image: "first:1" };
const FROM = { secretRef: { name: "more" } };

for (const chart of Object.keys(CHARTS) as ChartName[]) {
  testWith(
    "helm",
    `chart ${chart}: an image's digest takes the place of its tag, in the Pod of helm test too`,
    async () => {
      const objects = await render(
        chart,
        over(LEAST[chart], { image: { repository: "here/it", tag: "1", digest: DIGEST } }),
      );

      const images = [the(objects, "Deployment").spec.template.spec, the(objects, "Pod").spec]
        .map(({ containers: [container] }) => container.image);

      assert.deepEqual(images, [`here/it@${DIGEST}`, `here/it@${DIGEST}`]);
    },
  );

  testWith("helm", `chart ${chart}: containers and variables of the user's stand beside the program's`, async () => {
    const values = { extraContainers: [SIDECAR], extraInitContainers: [FIRST], extraEnvFrom: [FROM] };
    const { spec } = the(await render(chart, over(LEAST[chart], values)), "Deployment").spec.template;

    assert.deepEqual(spec.containers.slice(1), [SIDECAR]);
    assert.deepEqual(spec.initContainers, [FIRST]);
    assert.deepEqual(spec.containers[0].envFrom, [FROM]);
  });

  testWith("helm", `chart ${chart}: the ServiceMonitor's own relabelling stays when the user adds some`, async () => {
    const [relabelings, metricRelabelings] = [[{ targetLabel: "cluster", replacement: "berlin" }], [
      { action: "labeldrop", regex: "pod" },
    ]];
    const values = { metrics: { serviceMonitor: { enabled: true, relabelings, metricRelabelings } } };
    const { endpoints: [endpoint] } = the(await render(chart, over(LEAST[chart], values)), "ServiceMonitor").spec;

    assert.deepEqual(endpoint.relabelings, [{ action: "labeldrop", regex: "endpoint" }, ...relabelings]);
    assert.deepEqual(endpoint.metricRelabelings, metricRelabelings);
  });
}

testWith("helm", "chart brokkr-broker: a claim of the user's takes the place of the chart's", async () => {
  const objects = await render("brokkr-broker", { persistence: { existingClaim: "mine" } });

  assert.deepEqual(objects.filter(({ kind }) => kind === "PersistentVolumeClaim"), []);
  assert.deepEqual(the(objects, "Deployment").spec.template.spec.volumes?.[0], {
    name: "data",
    persistentVolumeClaim: { claimName: "mine" },
  });
});

testWith(
  "helm",
  "charts: dashboards of several releases in one Grafana have files, ids and titles of their own",
  async () => {
    for (const chart of Object.keys(CHARTS) as ChartName[]) {
      const values = over(LEAST[chart], { metrics: { dashboards: { enabled: true } } });
      const releases = await Promise.all(
        ["one", "two"].map((fullnameOverride) => render(chart, { ...values, fullnameOverride })),
      );

      const [one = [], two = []] = releases.map((objects) =>
        objects.filter(({ kind }) => kind === "ConfigMap").flatMap(({ data = {} }) =>
          Object.entries(data).flatMap(([file, text]) => {
            const { uid, title } = JSON.parse(text);
            assert.ok(uid.length <= 40, "Grafana takes no longer one");
            return [file, uid, title];
          })
        )
      );

      assert.ok(one.length >= 3);
      assert.deepEqual(one.filter((name) => two.includes(name)), []);
    }
  },
);
