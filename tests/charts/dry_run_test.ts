import assert from "node:assert/strict";
import { kubectl } from "../helm/helm.ts";
import { testWith } from "../run/parts.ts";
import { openPlace, type Place } from "./cluster.ts";
import { installDefinitions } from "./crds/install.ts";
import { RELEASE, render, template } from "./render.ts";
import { AGENT_VALUES, SAMPLES } from "./samples.ts";

const RESTRICTED = {
  "pod-security.kubernetes.io/enforce": "restricted",
  "pod-security.kubernetes.io/warn": "restricted",
};
/** What `helm test` would run belongs to no install. */
const FLAGS = ["--skip-tests"];

testWith(["nodes", "helm", "definitions"], "charts: a server-side dry run takes every render", async (test) => {
  await using place = await openPlace();
  await installDefinitions(place.admin);
  const kubeconfig = await kubeconfigIn(place, RELEASE.namespace);
  const apply = (text: string) => {
    const how = ["--dry-run=server", "--validate=strict", "--filename", "-", "--kubeconfig", kubeconfig];
    return kubectl(["apply", ...how], text);
  };
  for (const namespace of await namespaces()) {
    await place.admin.request("POST", "/api/v1/namespaces", { metadata: { name: namespace, labels: RESTRICTED } });
  }

  for (const [name, { chart, values }] of Object.entries(SAMPLES)) {
    await test.step(`${name} is accepted whole, without a warning`, async () => {
      const { stdout: text } = await template(chart, values, FLAGS);

      const { code, stdout, stderr } = await apply(text);

      assert.deepEqual([code, stderr], [0, ""]);
      const count = text.match(/^kind: /gm)?.length ?? 0;
      assert.ok(count > 0);
      assert.equal(stdout.match(/ created \(server dry run\)$/gm)?.length, count, stdout);
    });
  }

  await test.step("a Pod with more rights is warned of, so that the rest was held to something", async () => {
    const values = { ...AGENT_VALUES, containerSecurityContext: { allowPrivilegeEscalation: true } };

    const { code, stderr } = await apply((await template("brokkr-agent", values, FLAGS)).stdout);

    assert.equal(code, 0, stderr);
    assert.match(stderr, /^Warning: would violate PodSecurity "restricted/m);
  });
});

/** Those that a render names, and that of every release. */
async function namespaces(): Promise<ReadonlySet<string>> {
  const renders = await Promise.all(Object.values(SAMPLES).map(({ chart, values }) => render(chart, values)));
  return new Set(renders.flat().map(({ metadata }) => metadata.namespace ?? RELEASE.namespace));
}

/** A kubeconfig, beside the admin's, for objects that name no namespace; goes with the cluster. */
async function kubeconfigIn({ control: { kubeconfigPath } }: Place, namespace: string): Promise<string> {
  const config = JSON.parse(await Deno.readTextFile(kubeconfigPath));
  for (const { context } of config.contexts) context.namespace = namespace;
  const path = `${kubeconfigPath}.${namespace}`;
  await Deno.writeTextFile(path, JSON.stringify(config));
  return path;
}
