import { startRefusingWebhook, webhookConfiguration } from "../../fakes/refusing_webhook.ts";
import { bundle, configMap, service } from "../bundles.ts";
import { bundleFailure, type Scene, type SeededFailure } from "./failure.ts";

const WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";

/** A ConfigMap with annotations. */
function annotated(namespace: string, annotations: Readonly<Record<string, string>>, value = "1"): string {
  return configMap("web", { namespace, value }).replace(
    "metadata: {",
    `metadata: { annotations: ${JSON.stringify(annotations)},`,
  );
}

/** What the API server, a rule of the cluster or the agent refuses. */
export const REFUSED: readonly SeededFailure[] = [
  bundleFailure({
    name: "unknown-type",
    code: "type_missing",
    says: /document 1, line 1: there is no kind "Web" in "unknown\.example\/v1"/,
    bundle: (name) => `apiVersion: unknown.example/v1\nkind: Web\nmetadata: { name: web, namespace: ${name} }\n`,
  }),
  {
    name: "no-namespace",
    code: "namespace_missing",
    says: /ConfigMap "web" in namespace "no-namespace": document 1, line 1: namespaces "no-namespace" not found/,
    next: /^kubectl create namespace no-namespace$/,
    isWithoutNamespace: true,
    seed: ({ name, submit }) => submit(configMap("web", { namespace: name })),
  },
  {
    name: "full-quota",
    code: "quota",
    says: /exceeded quota: team, requested: services=1, used: services=0, limited: services=0/,
    next: /^kubectl edit resourcequota team --namespace full-quota$/,
    async seed({ world, name, submit }) {
      const quota = { metadata: { name: "team" }, spec: { hard: { services: "0" } } };
      await world.cluster.create(`/api/v1/namespaces/${name}/resourcequotas`, quota);
      await submit(service("web", { namespace: name }));
    },
  },
  {
    name: "refusing-webhook",
    code: "admission",
    says: /every ConfigMap needs an owner/,
    next: /bundle\.yaml/,
    mended: ({ name }) => service("mended", { namespace: name }),
    async seed(scene) {
      await refuseConfigMaps(scene, "every ConfigMap needs an owner");
      await scene.submit(configMap("web", { namespace: scene.name }));
    },
  },
  {
    name: "silent-webhook",
    code: "webhook_away",
    says: /failed calling webhook "away\.example\.com"/,
    next: /^kubectl get validatingwebhookconfigurations,/,
    async seed({ world, name, submit }) {
      const nobody = { url: "https://127.0.0.1:9/" };
      await world.cluster.create(WEBHOOKS, webhookConfiguration("away.example.com", name, nobody));
      await submit(configMap("web", { namespace: name }));
      return () => world.cluster.remove(`${WEBHOOKS}/away.example.com`);
    },
  },
  {
    name: "few-rights",
    code: "rights",
    says: /configmaps "web" is forbidden: User "brokkr-agent" cannot patch resource "configmaps"/,
    next: /^kubectl get clusterroles/,
    isSimulated: true,
    async seed({ world, name, submit }) {
      const message = 'configmaps "web" is forbidden: User "brokkr-agent" cannot patch resource "configmaps"';
      const refusal = { status: 403, reason: "Forbidden", message, times: Infinity };
      const grant = world.servers.simulated?.fault({ method: "PATCH", namespace: name }, refusal);
      await submit(configMap("web", { namespace: name }));
      return grant;
    },
  },
  bundleFailure({
    name: "wrong-value",
    code: "refused",
    says: /Service "web".*document 2, line \d+.*99999/,
    bundle: (name) =>
      bundle(
        configMap("web", { namespace: name }),
        service("web", { namespace: name }).replace("port: 80", "port: 99999"),
      ),
  }),
  {
    name: "immutable",
    code: "immutable",
    says: /ConfigMap "web".*field is immutable/,
    next: /bundle\.yaml/,
    async seed({ name, submit, submitWorking }) {
      await submitWorking(`${configMap("web", { namespace: name })}immutable: true\n`);
      await submit(`${configMap("web", { namespace: name, value: "2" })}immutable: true\n`);
    },
    mended: ({ name }) => `${annotated(name, { "brokkr.io/replace": "immutable" }, "2")}immutable: true\n`,
  },
  {
    name: "field-conflict",
    code: "conflict",
    says: /conflict with "hand"/,
    next: /bundle\.yaml/,
    async seed({ world, name, submit }) {
      const theirs = { metadata: { name: "web" }, data: { value: "theirs" } };
      await world.cluster.create(`/api/v1/namespaces/${name}/configmaps`, theirs);
      await submit(annotated(name, { "brokkr.io/force": "disabled" }));
    },
    mended: ({ name }) => configMap("web", { namespace: name }),
  },
  {
    name: "helm-has-it",
    code: "other_tool",
    says: /it belongs to the Helm release "theirs"/,
    next: /bundle\.yaml/,
    async seed({ world, name, submit }) {
      const metadata = {
        name: "web",
        labels: { "app.kubernetes.io/managed-by": "Helm" },
        annotations: { "meta.helm.sh/release-name": "theirs" },
      };
      await world.cluster.create(`/api/v1/namespaces/${name}/configmaps`, { metadata });
      await submit(configMap("web", { namespace: name }));
    },
    mended: ({ name }) => annotated(name, { "brokkr.io/adopt": "own" }),
  },
  {
    name: "wanted-twice",
    code: "wanted_elsewhere",
    says: /ConfigMap "web" in namespace "wanted-twice": stack "wanted-first" has it/,
    next: /bundle\.yaml/,
    async seed({ world, name, submit }) {
      const first = await world.addStack("wanted-first");
      await world.untilApplied(await world.submit(first, configMap("web", { namespace: name })));
      await submit(configMap("web", { namespace: name }));
    },
    mended: ({ name }) => configMap("mended", { namespace: name }),
  },
  bundleFailure({
    name: "agents-own",
    code: "invalid_bundle",
    says: /document 2, line \d+: ConfigMap "brokkr-own" in namespace "default" is the agent's own/,
    bundle: (name) => bundle(configMap("web", { namespace: name }), configMap("brokkr-own")),
  }),
];

async function refuseConfigMaps({ world: { servers: { simulated }, cluster }, ended, name }: Scene, words: string) {
  if (simulated !== undefined) {
    const isRefused = ({ kind, metadata }: { kind: string; metadata: { namespace?: string } }) =>
      kind === "ConfigMap" && metadata.namespace === name;
    return void simulated.refuse((object) => isRefused(object) ? words : undefined);
  }
  const webhook = ended.use(await startRefusingWebhook("owners.example.com", words));
  await cluster.create(WEBHOOKS, webhook.configuration(name));
}
