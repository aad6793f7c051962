import assert from "node:assert/strict";
import { testWith } from "../run/parts.ts";
import { inventory, openPlace } from "./cluster.ts";
import { installDefinitions } from "./crds/install.ts";
import { RELEASE, render, type Rendered } from "./render.ts";
import { SAMPLES } from "./samples.ts";

const MONITORED = ["broker-production", "broker-own-secrets", "agent-monitored", "agent-narrow"];
const MONITORED_AS_PODS = ["broker-on-a-platform", "agent-on-a-platform"];
/** Texts by names that the user gives: every name is known there. */
const BY_ANY_NAME = ["labels", "annotations", "matchLabels"];

testWith(["nodes", "helm", "definitions"], "charts: custom resources are what their definitions say", async (test) => {
  await using place = await openPlace();
  const { admin } = place;
  const plurals = await installDefinitions(admin);
  for (const name of [RELEASE.namespace, "monitoring"]) {
    await admin.request("POST", "/api/v1/namespaces", { metadata: { name } });
  }
  const objects = (await Promise.all([...MONITORED, ...MONITORED_AS_PODS].map(renderSample))).flat().filter((
    { kind },
  ) => plurals.has(kind));
  const create = async (object: Rendered) => {
    const path = `/apis/${object.apiVersion}/namespaces/${object.metadata.namespace}/${plurals.get(object.kind)}`;
    await admin.request("POST", `${path}?dryRun=All&fieldValidation=Strict`, object);
  };

  await test.step("every ServiceMonitor, PodMonitor, PrometheusRule and HTTPRoute is accepted, and no field is unknown", async () => {
    for (const object of objects) await create(object);

    const kinds = MONITORED.flatMap(() => ["PrometheusRule", "ServiceMonitor"]);
    const asPods = MONITORED_AS_PODS.flatMap(() => ["PrometheusRule", "PodMonitor"]);
    assert.deepEqual(objects.map(({ kind }) => kind).sort(), ["HTTPRoute", ...kinds, ...asPods].sort());
  });

  await test.step("an unknown field is refused, wherever in them it is", async () => {
    for (const object of objects) {
      const spoilt = withSurplus(object);
      assert.ok(spoilt.length >= 4, object.kind);

      for (const one of spoilt) {
        await assert.rejects(create(one as Rendered), /strict decoding error: unknown field \\"[^"]*surplus/);
      }
    }
  });

  await test.step("helm install makes them with all the rest, and helm uninstall takes them away", async () => {
    const before = await inventory(admin);
    for (const [name, sample] of [["broker", "broker-production"], ["agent", "agent-monitored"]] as const) {
      await place.helm("install", { name, ...sampleOf(sample) });
    }
    const made = [...(await inventory(admin)).keys()];

    await place.uninstall("broker");
    await place.uninstall("agent");

    const monitoring = made.filter((name) => /^(ServiceMonitor|PrometheusRule|ConfigMap) /.test(name));
    assert.deepEqual(monitoring.sort(), [
      "ConfigMap agent-brokkr-agent-agent-health",
      "ConfigMap broker-brokkr-broker-broker-health",
      "ConfigMap broker-brokkr-broker-fleet",
      "PrometheusRule agent-brokkr-agent",
      "PrometheusRule broker-brokkr-broker",
      "ServiceMonitor agent-brokkr-agent",
      "ServiceMonitor broker-brokkr-broker",
    ]);
    assert.deepEqual(await inventory(admin), before);
  });
});

/** The same object once for each of its parts, which there has one field more. */
function withSurplus(part: unknown): readonly unknown[] {
  if (Array.isArray(part)) return part.flatMap((one, i) => withSurplus(one).map((other) => part.with(i, other)));
  if (typeof part !== "object" || part === null) return [];
  const below = Object.entries(part).filter(([name]) => !BY_ANY_NAME.includes(name))
    .flatMap(([name, value]) => withSurplus(value).map((other) => ({ ...part, [name]: other })));
  return [{ ...part, surplus: 1 }, ...below];
}

function renderSample(name: string): Promise<readonly Rendered[]> {
  const { chart, values } = sampleOf(name);
  return render(chart, values);
}

function sampleOf(name: string) {
  const sample = SAMPLES[name];
  assert.ok(sample !== undefined);
  return sample;
}
