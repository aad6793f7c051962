import assert from "node:assert/strict";
import type { Admin } from "../cluster/admin.ts";
import { testWith } from "../run/parts.ts";
import { waitFor } from "../run/wait.ts";
import { inventory, NAMESPACE, openPlace, type Place } from "./cluster.ts";
import { at, over } from "./leaves.ts";
import { render, the } from "./render.ts";
import { AGENT_VALUES, SAMPLES } from "./samples.ts";

const BROKER = { name: "brokkr", chart: "brokkr-broker", values: {} } as const;
const AGENT = { name: "edge", chart: "brokkr-agent", values: AGENT_VALUES } as const;
const CLAIM = "PersistentVolumeClaim brokkr-brokkr-broker-data";

testWith(["nodes", "helm"], "charts: both live and end in a namespace that enforces restricted Pods", async (test) => {
  await using place = await openPlace();
  const { admin } = place;
  await prepare(admin);

  await test.step("helm install: every object is accepted, the Deployments roll out, NOTES says what is next", async () => {
    const said = [await place.helm("install", BROKER), await place.helm("install", AGENT)].join("\n");

    await Promise.all([place.rolledOut("brokkr-brokkr-broker"), place.rolledOut("edge-brokkr-agent")]);
    assert.match(said, /exec deployment\/brokkr-brokkr-broker -- brokkr-broker rotate admin/);
    assert.match(said, /claim that outlives `helm uninstall`/);
    assert.match(said, /`escalate` and `bind`/);
  });

  await test.step("helm test: its Pods would be accepted", async () => {
    for (const { chart, values } of [BROKER, AGENT]) {
      const pod = the(await render(chart, values), "Pod");
      const metadata = { ...pod.metadata, namespace: NAMESPACE };
      const spec = { ...pod.spec, serviceAccountName: "default" };

      await admin.request("POST", `/api/v1/namespaces/${NAMESPACE}/pods?dryRun=All`, { ...pod, metadata, spec });
    }
  });

  await test.step("helm upgrade with the same values changes nothing", async () => {
    const before = await inventory(admin);

    const said = await place.helm("upgrade", BROKER);
    await place.helm("upgrade", AGENT);

    assert.deepEqual(await inventory(admin), before);
    assert.doesNotMatch(said, /rotate admin/, "who pastes what an upgrade says must not end the admin's key");
  });

  await test.step("helm upgrade with another log level changes the Deployments, and nothing else", async () => {
    const before = await inventory(admin);

    await place.helm("upgrade", { ...BROKER, values: { broker: { logLevel: "debug" } } });
    await place.helm("upgrade", { ...AGENT, values: over(AGENT_VALUES, at("agent.logLevel", "debug")) });

    const after = await inventory(admin);
    assert.deepEqual([...after.keys()], [...before.keys()]);
    const changed = [...after].filter(([name, version]) => before.get(name) !== version).map(([name]) => name);
    assert.deepEqual(changed.sort(), ["Deployment brokkr-brokkr-broker", "Deployment edge-brokkr-agent"]);
    await Promise.all([place.rolledOut("brokkr-brokkr-broker"), place.rolledOut("edge-brokkr-agent")]);
  });

  await test.step("helm uninstall leaves the database's claim, says so, and nothing else", async () => {
    const said = await place.uninstall(BROKER.name);
    await place.uninstall(AGENT.name);

    assert.match(said, /brokkr-brokkr-broker-data/);
    assert.deepEqual([...(await inventory(admin)).keys()], [CLAIM, "Secret brokkr-key"]);
  });

  await test.step("helm install again finds the claim that was kept", async () => {
    await place.helm("install", BROKER);

    await place.rolledOut("brokkr-brokkr-broker");
    await place.uninstall(BROKER.name);
  });

  await test.step("helm install for production: every object is accepted, and nothing is left", () => large(place));
  await test.step("a Pod with more rights is refused there, so that the rest was held to something", () => bold(place));
});

async function large(place: Place): Promise<void> {
  const values = over(SAMPLES["broker-production"]?.values ?? {}, {
    metrics: { serviceMonitor: { enabled: false }, prometheusRule: { enabled: false } },
  });
  const said = await place.helm("install", { ...BROKER, name: "large", values });
  await place.rolledOut("large-brokkr-broker");
  const kinds = new Set([...(await inventory(place.admin)).keys()].map((name) => name.split(" ")[0]));

  await place.uninstall("large");

  assert.doesNotMatch(said, /rotate admin/, "a broker that is given the hash of a key makes none");
  for (const kind of ["Ingress", "NetworkPolicy", "PodDisruptionBudget", "HorizontalPodAutoscaler", "ConfigMap"]) {
    assert.ok(kinds.has(kind), kind);
  }
  assert.deepEqual([...(await inventory(place.admin)).keys()], [CLAIM, "Secret brokkr-key"]);
}

async function bold(place: Place): Promise<void> {
  const values = { ...AGENT_VALUES, containerSecurityContext: { allowPrivilegeEscalation: true } };
  await place.helm("install", { ...AGENT, name: "bold", values });

  const refusal = () => failureOf(place.admin, "bold-brokkr-agent");
  const message = await waitFor(refusal, { what: "see the Pod refused" });

  assert.match(message, /violates PodSecurity "restricted/);
}

/** What is there before: the agent's key, and a volume for the claim, as no provisioner makes one here. */
async function prepare(admin: Admin): Promise<void> {
  await admin.request("POST", `/api/v1/namespaces/${NAMESPACE}/secrets`, {
    metadata: { name: "brokkr-key" },
    stringData: { BROKKR__AGENT__PAK: "brokkr_BRkey" },
  });
  await admin.request("POST", "/api/v1/persistentvolumes", {
    metadata: { name: "volume" },
    spec: { capacity: { storage: "2Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/nowhere" } },
  });
}

interface Conditions {
  readonly status: { readonly conditions?: readonly { readonly type: string; readonly message: string }[] };
}

async function failureOf(admin: Admin, deployment: string): Promise<string | undefined> {
  const path = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${deployment}`;
  const { status } = await admin.request<Conditions>("GET", path);
  return status.conditions?.find(({ type }) => type === "ReplicaFailure")?.message;
}
