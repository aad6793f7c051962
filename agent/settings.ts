import { isLoopback } from "$lib/addresses.ts";
import {
  boolean,
  BROKER_ONLY,
  type Declarations,
  integer,
  list,
  otlpFaults,
  pageFaults,
  seconds,
  setting,
  type SettingsOf,
  type SettingSources,
  SHARED_SETTINGS,
  text,
  url,
  uuid,
} from "$lib/settings.ts";

const PORT_MAX = 65_535;

/** Every setting of the agent. */
export const AGENT_SETTINGS = [
  ...SHARED_SETTINGS,
  setting({
    key: "agent.broker_url",
    type: url(["http", "https"]),
    required: true,
    help: "URL of the broker, without `/api/v1`.",
  }),
  setting({
    key: "agent.allow_insecure_broker",
    type: boolean(),
    default: false,
    help: "Whether the key may be sent over plain `http://` to a host that is not loopback.",
  }),
  setting({
    key: "agent.pak",
    type: text(),
    secret: true,
    help: "The agent's key; or use `agent.pak_file`.",
  }),
  setting({
    key: "agent.pak_file",
    type: text(),
    help: "A file that holds the agent's key; read at each request, so that a rotated key is used at once.",
  }),
  setting({
    key: "agent.broker_ca_file",
    type: text(),
    help:
      "A file of certificate authorities (PEM) that may vouch for the broker, beside those of the system; read again when it changes.",
  }),
  setting({
    key: "agent.broker_client_cert_file",
    type: text(),
    help:
      "The certificate (PEM) that the agent shows to the broker, or to what stands before it; read again when it changes.",
  }),
  setting({
    key: "agent.broker_client_key_file",
    type: text(),
    help: "The key (PEM) of `agent.broker_client_cert_file`.",
  }),
  setting({
    key: "agent.agent_name",
    type: text(),
    required: true,
    help: "The agent's name at the broker; while the broker has another one, the agent writes nothing to the cluster.",
  }),
  setting({
    key: "agent.cluster_name",
    type: text(),
    required: true,
    help:
      "The cluster's name at the broker; while the broker has another one, the agent writes nothing to the cluster.",
  }),
  setting({
    key: "agent.generator_ids",
    type: list(uuid()),
    default: "",
    help: "Generators from which the agent agrees to receive.",
  }),
  setting({
    key: "agent.health_address",
    type: text(),
    default: "0.0.0.0",
    help: "The address that `/healthz`, `/readyz` and `/metrics` listen on.",
  }),
  setting({
    key: "agent.health_port",
    type: integer({ max: PORT_MAX }),
    default: 8080,
    help: "The port that `/healthz`, `/readyz` and `/metrics` listen on; 0 lets the system choose.",
  }),
  setting({
    key: "agent.namespace",
    type: text(),
    help:
      "The namespace that holds the record of what was applied; without it the service account's, else the kubeconfig context's, else `default`.",
  }),
  setting({
    key: "agent.pod_name",
    type: text(),
    help:
      "The Pod that the agent runs in, in the service account's or the kubeconfig context's namespace: no bundle may bring what it is made of. Without it the host's name, where the agent has no kubeconfig.",
  }),
  setting({
    key: "agent.watch_namespace",
    type: text(),
    default: "default",
    help: "The namespace for manifests without one.",
  }),
  setting({
    key: "agent.kubeconfig_path",
    type: text(),
    help: "The kubeconfig to use; by default the one in `KUBECONFIG`, else the Pod's service account.",
  }),
  setting({
    key: "agent.polling_interval",
    type: seconds({ min: 1 }),
    default: 10,
    help:
      "Seconds between polls of the broker; from 300 on the alert `BrokkrAgentNoSuccessfulPoll` fires between them.",
  }),
  setting({
    key: "agent.push",
    type: boolean(),
    default: true,
    help:
      "Whether the agent holds a request at the broker, which is answered at once when there is something to poll for.",
  }),
  setting({
    key: "agent.heartbeat_interval",
    type: seconds({ min: 1 }),
    default: 10,
    help: "Seconds between heartbeats.",
  }),
  setting({
    key: "agent.resync_interval",
    type: seconds({ min: 1 }),
    default: 300,
    help: "Seconds between comparisons of every stack with the cluster, which repair drift.",
  }),
  setting({
    key: "agent.apply_concurrency",
    type: integer({ min: 1, max: 1_000 }),
    default: 64, // 1,000 new objects: 2.0 s with 16, 1.7 s with 32, 1.5 s with 64, 1.4 s with 96 (tests/bench)
    help:
      "Maximum number of requests to the API server in flight at once, watches apart; one stack has half of them at most.",
  }),
  setting({
    key: "agent.lease",
    type: boolean(),
    default: false,
    help:
      "Whether the agent works only while it holds the Lease `brokkr-agent-<agent id>` in `agent.namespace`, so that a second replica may stand by.",
  }),
  setting({
    key: "agent.turns_at_once",
    type: integer({ min: 1, max: 1_000 }),
    default: 8,
    help:
      "Maximum number of stacks that are worked on at once, apart from as many whose turn has lasted 15 seconds; the others wait for their turn.",
  }),
  setting({
    key: "agent.prune_max_stacks",
    type: integer(),
    help:
      "How many stacks may vanish from the snapshot within an hour before removals wait for approval; without it the larger of 3 and 20 % of the stacks applied.",
  }),
  setting({
    key: "agent.former_managers",
    type: list(text()),
    default: "",
    help:
      "Field managers of tools that kept objects before the agent: what they set becomes the agent's, as what `kubectl` and `helm` set does, and goes where the manifest does not have it.",
  }),
  setting({
    key: "agent.ignore_in_namespaces",
    type: list(text()),
    default: "",
    help:
      "Names of objects that others put into every namespace, such as `istio-ca-root-cert`: they keep no namespace from being deleted.",
  }),
  setting({
    key: "agent.impersonate_generators",
    type: boolean(),
    default: false,
    help:
      "Whether what is done for a stack is done as user `brokkr:generator:<id of its generator>`, so that what the cluster allows that user bounds what the generator can deliver.",
  }),
  setting({
    key: "agent.prune_max_objects",
    type: integer(),
    help:
      "How many objects may vanish from bundles and with stacks within an hour before removals wait for approval; without it the larger of 50 and 20 % of the objects applied.",
  }),
  setting({
    key: "agent.prune_max_terminating",
    type: integer(),
    help:
      "How many stacks that a person deleted may be removed within an hour before removals wait for approval; without it any number.",
  }),
  setting({
    key: "agent.kube_qps",
    type: integer(),
    default: 0,
    help: "Maximum number of requests per second to the API server; 0: no limit.",
  }),
  setting({
    key: "agent.kube_burst",
    type: integer({ min: 1 }),
    help: "How many requests may go at once before `agent.kube_qps` applies; by default twice that.",
  }),
] as const;

/** The agent's settings, read and checked. */
export type AgentSettings = SettingsOf<typeof AGENT_SETTINGS>;

/** What the agent's command line, environment and file may say. */
export const AGENT_DECLARATIONS: Declarations<typeof AGENT_SETTINGS> = {
  settings: AGENT_SETTINGS,
  passedOver: BROKER_ONLY,
  alternatives: [["agent.pak", "agent.pak_file"]],
  rules: (settings, surroundings) => [
    ...transportFaults(settings),
    ...metricsFaults(settings, surroundings.readFile),
    ...otlpFaults(settings, surroundings),
  ],
};

function metricsFaults(settings: AgentSettings, readFile: SettingSources["readFile"]): readonly string[] {
  return pageFaults(settings, { main: { key: "agent.health_port", port: settings["agent.health_port"] }, readFile });
}

function transportFaults(settings: AgentSettings): string[] {
  return [...encryptionFaults(settings), ...certificateFaults(settings)];
}

function certificateFaults(settings: AgentSettings): string[] {
  const [cert, key] = [settings["agent.broker_client_cert_file"], settings["agent.broker_client_key_file"]];
  if ((cert === undefined) === (key === undefined)) return [];
  return ["agent.broker_client_cert_file and agent.broker_client_key_file must be given together"];
}

function encryptionFaults(settings: AgentSettings): string[] {
  const { protocol, hostname } = settings["agent.broker_url"];
  if (protocol === "https:" || isLoopback(hostname) || settings["agent.allow_insecure_broker"]) return [];
  return [
    `agent.broker_url must be https:// because "${hostname}" is not loopback, ` +
    "or agent.allow_insecure_broker must say that the key may be sent in the clear",
  ];
}
