import { bundle, configMap, namespace } from "../bundles.ts";
import { eventually } from "../wait.ts";
import type { SeededFailure } from "./failure.ts";

const OBJECTS = Array.from({ length: 12 }, (_, at) => `web-${at}`);
const ANOTHER_EPOCH = "11111111-1111-4111-8111-111111111111";

/** What waits for a person's word, of one stack alone. */
export const HELD: readonly SeededFailure[] = [
  {
    name: "suspended",
    code: "suspended",
    says: /^The stack is suspended: nothing is written for it, and nothing removed$/,
    async seed({ world: { generator }, name, stackId, submit }) {
      await generator.call("PUT", `/stacks/${stackId}`, { name, suspended: true });
      await submit(configMap("web", { namespace: name }));
    },
  },
  {
    name: "full-namespace",
    code: "namespace_not_empty",
    says: /Namespace "full-namespace" holds ConfigMap "theirs"/,
    isWithoutNamespace: true,
    async seed({ world: { cluster, generator }, name, stackId, submitWorking }) {
      await submitWorking(bundle(namespace(name)));
      await cluster.create(`/api/v1/namespaces/${name}/configmaps`, { metadata: { name: "theirs" } });
      await generator.call("POST", `/stacks/${stackId}/deployment-objects?deletion_marker=true`, "");
    },
  },
];

/** What concerns the agent as a whole: one after the other, when all others are over. */
export const OF_THE_AGENT: readonly SeededFailure[] = [
  {
    name: "many-removals",
    code: "prune_held",
    says: /^The agent's guard holds removals until a person approves them/,
    async seed({ name, submit, submitWorking }) {
      await submitWorking(bundle(...OBJECTS.map((one) => configMap(one, { namespace: name }))));
      await submit(configMap("web-0", { namespace: name }));
    },
  },
  {
    name: "inactive-agent",
    code: "agent_inactive",
    says: /^Agent "agent" is INACTIVE: it writes nothing to its cluster$/,
    async seed({ world: { admin, agentId }, name, submit }) {
      await admin.call("PUT", `/agents/${agentId}`, { status: "INACTIVE" });
      await submit(configMap("web", { namespace: name }));
    },
  },
  {
    name: "cluster-away",
    code: "cluster_away",
    says: /^Agent "agent" does not reach the API server of cluster "cluster"$/,
    isSimulated: true,
    async seed({ world: { servers: { simulated } }, name, submit }) {
      await submit(configMap("web", { namespace: name }));
      return simulated?.fault({ userAgent: /^brokkr-agent/ }, { connection: "close", times: Infinity });
    },
  },
  {
    name: "restored-database",
    code: "epoch_hold",
    says: /^The broker's database was replaced or restored, and nothing is removed until a person accepts that$/,
    next: /^brokkr-agent accept-epoch$/,
    async seed({ world, name, stackId, submitWorking }) {
      await submitWorking(configMap("web", { namespace: name }));
      const root = `/api/v1/namespaces/default/configmaps/brokkr-agent-${world.agentId}`;
      await world.agent.stop();
      await world.cluster.patch(root, { metadata: { annotations: { "brokkr.io/epoch": ANOTHER_EPOCH } } });
      await world.startAgent();
      await eventually(
        "the agent is on hold",
        async () => "brokkr.io/hold" in ((await world.cluster.get(root))?.metadata.annotations ?? {}),
      );
      await world.generator.call("POST", `/stacks/${stackId}/deployment-objects?deletion_marker=true`, "");
    },
  },
];
