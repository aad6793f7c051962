import { code, GENERATED, list } from "../markdown.ts";
import type { ChartName, ValueSchema } from "./schema.ts";
import { isGroup } from "./values.ts";

/** What each chart's README says above its table. */
const ABOUT: Readonly<Record<ChartName, string>> = {
  "brokkr-broker": `# Chart brokkr-broker

For whoever installs the broker on Kubernetes. No image is published yet: build it from \`broker/Dockerfile\`, push it to
where your cluster pulls from, and name it in \`image.repository\`.

For evaluation, with the embedded database on a claim that outlives \`helm uninstall\`:

\`\`\`sh
helm install brokkr-broker charts/brokkr-broker --namespace brokkr --create-namespace \\
  --set image.repository=registry.example/brokkr-broker
\`\`\`

For production, with PostgreSQL. Its URL is in a Secret of yours, under \`database-url\`:

\`\`\`sh
helm install brokkr-broker charts/brokkr-broker --namespace brokkr --create-namespace \\
  --set image.repository=registry.example/brokkr-broker \\
  --set postgresql.existingSecret=brokkr-database --set replicaCount=2 \\
  --set metrics.serviceMonitor.enabled=true --set metrics.prometheusRule.enabled=true
\`\`\`

The first admin key: \`kubectl --namespace brokkr exec deployment/brokkr-broker -- brokkr-broker rotate admin\`. Several
brokers may start at once: while one migrates the database, the others wait.`,
  "brokkr-agent": `# Chart brokkr-agent

For whoever connects a cluster to a broker. Create the agent at the broker first: its key is shown once, and belongs in
a Secret. No image is published yet: build it from \`agent/Dockerfile\`, push it to where your cluster pulls from, and
name it in \`image.repository\`.

\`\`\`sh
kubectl create namespace brokkr
kubectl --namespace brokkr create secret generic brokkr-key --from-file=BROKKR__AGENT__PAK=agent.pak
helm install brokkr-agent charts/brokkr-agent --namespace brokkr \\
  --set image.repository=registry.example/brokkr-agent \\
  --set broker.url=https://broker.example --set broker.existingSecret=brokkr-key \\
  --set broker.agentName=edge-1 --set broker.clusterName=berlin \\
  --set metrics.serviceMonitor.enabled=true --set metrics.prometheusRule.enabled=true
\`\`\`

The key is mounted as a file and read at each request: change the Secret, and the new key is used as soon as the kubelet
has updated the file. By default the agent may apply the usual kinds in every namespace, but no roles, bindings,
webhooks or custom resources; \`rbac\` narrows or widens that. Whoever can run Pods and read Secrets everywhere can act as
any ServiceAccount there: protect the agent's key, and the right to submit to its stacks, accordingly.`,
};

/** A chart's README: how to install it, and every value. */
export function readmeText(chart: ChartName, schema: ValueSchema): string {
  return `${GENERATED}

${ABOUT[chart]}

## Values

An unknown value is an error at install. Settings not named here go under \`settings\`, as in the settings file.

${list(items(schema, ""))}

Read next: [settings](../../docs/content/reference/settings.md), [metrics](../../docs/content/reference/monitoring.md).
`;
}

function items({ properties = {} }: ValueSchema, prefix: string): (readonly [string, string])[] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const path = `${prefix}${name}`;
    const own = isGroup(schema) ? [] : [[`${code(path)}${defaultText(schema)}`, meaning(schema)] as const];
    return [...own, ...items(schema, `${path}.`)];
  });
}

function defaultText({ default: value }: ValueSchema): string {
  return value === undefined || value === null || value === "" ? "" : `, by default ${code(JSON.stringify(value))}`;
}

function meaning({ description, enum: choices }: ValueSchema): string {
  return choices === undefined
    ? description
    : `${description} One of ${choices.map((one) => code(String(one))).join(", ")}.`;
}
