import assert from "node:assert/strict";
import { type ChartName, CHARTS } from "../../docs/generate/charts/schema.ts";
import { helm } from "../helm/helm.ts";
import { testWith } from "../run/parts.ts";
import { over } from "./leaves.ts";
import { renderTexts } from "./many.ts";
import { chartFolder, render, template, the, type Values } from "./render.ts";
import { LEAST, SAMPLES } from "./samples.ts";

const LABELS = { "example.com/cost-centre": "42" };
const ANNOTATIONS = { "example.com/owner": "platform" };
const DATABASE = { postgresql: { existingSecret: "database" } };
/** Of the user's own making: they say themselves what they are. */
const OF_THE_USER = "-more";

for (const chart of Object.keys(CHARTS) as ChartName[]) {
  testWith(
    "helm",
    `chart ${chart}: every object has the labels and annotations for all, and its Pod the labels`,
    async () => {
      for (const [name, { values }] of Object.entries(SAMPLES).filter(([, sample]) => sample.chart === chart)) {
        const all = await render(chart, over(values, { commonLabels: LABELS, commonAnnotations: ANNOTATIONS }));
        const objects = all.filter(({ metadata }) => !metadata.name.endsWith(OF_THE_USER));

        const bare = objects.filter(({ metadata: { labels = {}, annotations = {} } }) =>
          labels["example.com/cost-centre"] !== "42" || annotations["example.com/owner"] !== "platform"
        );

        assert.deepEqual(bare.map(({ kind }) => kind), [], name);
        const { labels } = the(objects, "Deployment").spec.template.metadata;
        assert.equal(labels?.["example.com/cost-centre"], "42");
      }
    },
  );

  testWith(
    "helm",
    `chart ${chart}: labels of the user's never take the place of those by which objects are found`,
    async () => {
      const labels = { "app.kubernetes.io/name": "other", "app.kubernetes.io/version": "mine" };
      const values = over(LEAST[chart], { commonLabels: labels, podLabels: labels, service: { labels } });
      const objects = await render(chart, values);

      const names = [the(objects, "Service").metadata, the(objects, "Deployment").spec.template.metadata]
        .map(({ labels }) => [labels?.["app.kubernetes.io/name"], labels?.["app.kubernetes.io/version"]]);

      assert.deepEqual(names, [[chart, "mine"], [chart, "mine"]]);
    },
  );

  testWith("helm", `chart ${chart}: another version of the chart with the same image starts no Pod anew`, async () => {
    const folder = await Deno.makeTempDir({ prefix: "brokkr-chart-" });
    try {
      for await (const { name } of Deno.readDir(chartFolder(chart))) {
        await Deno.symlink(`${chartFolder(chart)}/${name}`, `${folder}/${name}`);
      }
      const text = await Deno.readTextFile(`${folder}/Chart.yaml`);
      await Deno.remove(`${folder}/Chart.yaml`);
      await Deno.writeTextFile(
        `${folder}/Chart.yaml`,
        text.replaceAll(/ersion: .*\d+\.\d+\.\d+"?$/gm, (line) => line.replace(/\d+\.\d+\.\d+/, "99.0.0")),
      );
      const flags = ["--values", `${folder}/least.json`, "--set", "image.repository=one,image.tag=one"];
      await Deno.writeTextFile(`${folder}/least.json`, JSON.stringify(LEAST[chart]));
      const pod = async (path: string) => {
        const { stdout, stderr } = await helm([
          "template",
          "release",
          path,
          ...flags,
          "--show-only",
          "templates/deployment.yaml",
        ]);
        assert.equal(stderr.replaceAll(/^level=INFO.*\n/gm, ""), "");
        return [stdout, stdout.slice(stdout.indexOf("  template:"))];
      };

      const [[before, podBefore], [after, podAfter]] = [await pod(chartFolder(chart)), await pod(folder)];

      assert.notEqual(before, after, "the version must be seen");
      assert.equal(podBefore, podAfter);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });

  testWith(
    "helm",
    `chart ${chart}: an image is of the parent's registry, else of the chart's, else as it is named`,
    async () => {
      const image = { repository: "team/brokkr", tag: "1" };
      const of = async (values: Values) =>
        the(await render(chart, over(LEAST[chart], values)), "Deployment").spec.template.spec.containers[0].image;

      const global = { imageRegistry: "mirror.example/" };
      const images = [{ image }, { image: { ...image, registry: "own.example" } }, {
        image: { ...image, registry: "own.example" },
        global,
      }];

      assert.deepEqual(await Promise.all(images.map(of)), [
        "team/brokkr:1",
        "own.example/team/brokkr:1",
        "mirror.example/team/brokkr:1",
      ]);
    },
  );

  testWith(
    "helm",
    `chart ${chart} needs to be told an image while none is published, and says how one is made`,
    async () => {
      const { code, stderr } = await template(chart, over(LEAST[chart], { image: { repository: "" } }));

      assert.notEqual(code, 0);
      assert.match(
        stderr,
        new RegExp(`image\\.repository is required: no image is published yet.*${chart.slice(7)}/Dockerfile`),
      );
    },
  );
}

testWith(
  "helm",
  "chart brokkr-broker: a preStop hook of the user's takes the place of the chart's, and what else there is stays",
  async () => {
    const [own = "", other = ""] = await renderTexts("brokkr-broker", [
      { lifecycle: { postStart: { sleep: { seconds: 1 } } } },
      { lifecycle: { preStop: { sleep: { seconds: 9 } } } },
    ]);

    assert.match(own, /postStart:\s+sleep:\s+seconds: 1\s+preStop:\s+sleep:\s+seconds: 5\n/);
    assert.match(other, /lifecycle:\s+preStop:\s+sleep:\s+seconds: 9\n/);
  },
);

/** Values that Kubernetes would refuse, ignore, or make nothing good of, and what is said of them. */
const REFUSED: readonly (readonly [ChartName, Values, RegExp])[] = [
  [
    "brokkr-broker",
    { service: { loadBalancerClass: "x" } },
    /service\.loadBalancerClass needs service\.type LoadBalancer/,
  ],
  [
    "brokkr-broker",
    { service: { nodePort: 30_080 } },
    /service\.nodePort needs service\.type LoadBalancer or NodePort/,
  ],
  ["brokkr-broker", { metrics: { port: 3000 } }, /metrics\.port must not be 3000/],
  ["brokkr-agent", { ...LEAST["brokkr-agent"], metrics: { port: 8080 } }, /metrics\.port must not be 8080/],
  ["brokkr-broker", { strategy: { type: "RollingUpdate" } }, /strategy\.type RollingUpdate needs PostgreSQL/],
  ["brokkr-broker", { strategy: { rollingUpdate: {} } }, /type/],
  [
    "brokkr-agent",
    { ...LEAST["brokkr-agent"], strategy: { type: "RollingUpdate" } },
    /needs replicaCount 2: two agents/,
  ],
  [
    "brokkr-broker",
    { metrics: { serviceMonitor: { enabled: true }, podMonitor: { enabled: true } } },
    /scrape each Pod twice/,
  ],
  [
    "brokkr-broker",
    { ...DATABASE, autoscaling: { enabled: true, minReplicas: 6 } },
    /minReplicas 6 is more than .*maxReplicas, which is 5/,
  ],
  [
    "brokkr-broker",
    { ...DATABASE, autoscaling: { enabled: true }, resources: { requests: { cpu: null } } },
    /target of cpu is a share of resources\.requests\.cpu, which is not set/,
  ],
];

for (const [chart, values, refusal] of REFUSED) {
  testWith("helm", `chart ${chart} refuses ${JSON.stringify(values)}`, async () => {
    const { code, stderr } = await template(chart, values);

    assert.notEqual(code, 0);
    assert.match(stderr, refusal);
  });
}
