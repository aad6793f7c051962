import assert from "node:assert/strict";
import type { ChartName } from "../../docs/generate/charts/schema.ts";
import { testWith } from "../run/parts.ts";
import { over } from "./leaves.ts";
import { type Labels, render, the, type Values } from "./render.ts";
import { LEAST } from "./samples.ts";

/** Where a Pod would send something: another Pod, or an address outside of the cluster, at a port. */
interface Destination {
  readonly pod?: { readonly namespace: Labels; readonly labels: Labels };
  readonly port: number;
  readonly protocol?: "TCP" | "UDP";
}

interface Selector {
  readonly matchLabels?: Labels;
}

interface Rule {
  readonly to?: readonly { readonly namespaceSelector?: Selector; readonly podSelector?: Selector }[];
  readonly ports: readonly { readonly port: number; readonly protocol: "TCP" | "UDP" }[];
}

const named = (name: string): Labels => ({ "kubernetes.io/metadata.name": name });
const pod = (namespace: string, labels: Labels = {}) => ({ namespace: named(namespace), labels });
const peer = (namespace: string) => [{ namespaceSelector: { matchLabels: named(namespace) } }];

const DNS = pod("kube-system", { "k8s-app": "kube-dns" });
const DATABASE = { postgresql: { existingSecret: "database" } };
/** What a Pod that was taken over would try first: to load something, to read the node's identity, to look around. */
const ELSEWHERE: readonly Destination[] = [
  { port: 80 },
  { port: 22 },
  { port: 53 }, // a resolver of the attacker's
  { port: 53, protocol: "UDP" },
  { pod: pod("kube-system", { "k8s-app": "other" }), port: 53, protocol: "UDP" },
  { pod: DNS, port: 9153 },
  { pod: pod("shop"), port: 8080 },
];

testWith(
  "helm",
  "chart brokkr-broker: with restrictEgress there is no way but to DNS, the database and receivers",
  async () => {
    const { ways } = await policyOf("brokkr-broker", { ...DATABASE, otlp: { endpoint: "http://collector:4318" } });

    open(ways, [{ pod: DNS, port: 53 }, { pod: DNS, port: 53, protocol: "UDP" }, { port: 5432 }, { port: 4318 }]);
    shut(ways, [...ELSEWHERE, { port: 443 }, { port: 6443 }]);
  },
);

testWith(
  "helm",
  "chart brokkr-broker: each way out may be to some only, and by the ports that their Pods have",
  async () => {
    const { ways } = await policyOf("brokkr-broker", {
      ...DATABASE,
      networkPolicy: {
        databaseTo: peer("postgres"),
        databasePorts: [6432],
        otlpTo: peer("observability"),
        dnsPorts: [5353],
      },
      otlp: { endpoint: "https://collector" },
    });

    open(ways, [
      { pod: pod("postgres"), port: 6432 },
      { pod: pod("observability"), port: 443 },
      { pod: DNS, port: 5353, protocol: "UDP" },
    ]);
    shut(ways, [...ELSEWHERE, { port: 6432 }, { pod: pod("shop"), port: 6432 }, { pod: pod("postgres"), port: 443 }, {
      port: 5432,
    }]);
  },
);

testWith("helm", "chart brokkr-broker: on the embedded database there is no way to one", async () => {
  const { ways } = await policyOf("brokkr-broker", {});

  open(ways, [{ pod: DNS, port: 53 }]);
  shut(ways, [...ELSEWHERE, { port: 5432 }]);
});

testWith(
  "helm",
  "chart brokkr-agent: with restrictEgress there is no way but to DNS, the API server, the broker and receivers",
  async () => {
    const { ways } = await policyOf("brokkr-agent", { broker: { url: "https://broker.example:8443" } });

    open(ways, [{ pod: DNS, port: 53, protocol: "UDP" }, { port: 443 }, { port: 6443 }, { port: 8443 }]);
    shut(ways, [...ELSEWHERE, { port: 4318 }, { port: 5432 }]);
  },
);

testWith(
  "helm",
  "chart brokkr-agent: a broker in the cluster is reached by its Pods' port; telemetry through it needs no way of its own",
  async () => {
    const { ways } = await policyOf("brokkr-agent", {
      broker: { url: "http://brokkr-broker.brokkr" },
      settings: { agent: { allow_insecure_broker: true } },
      networkPolicy: {
        brokerTo: peer("brokkr"),
        brokerPorts: [3000],
        apiServerTo: [{ ipBlock: { cidr: "10.0.0.1/32" } }],
        apiServerPorts: [6443],
      },
      otlp: { endpoint: "broker" },
    });

    open(ways, [{ pod: pod("brokkr"), port: 3000 }]);
    shut(ways, [...ELSEWHERE, { port: 443 }, { port: 3000 }, { pod: pod("brokkr"), port: 80 }]);
    assert.equal(ways.length, 3);
  },
);

testWith(
  "helm",
  "charts: egress rules of the user's are added to what restrictEgress allows; without both all is allowed",
  async () => {
    for (const chart of ["brokkr-broker", "brokkr-agent"] as const) {
      const own = [{ to: [{ ipBlock: { cidr: "192.0.2.0/24" } }], ports: [{ port: 3128, protocol: "TCP" }] }];
      const restricted = await policyOf(chart, { networkPolicy: { egress: own } });
      const open = await policyOf(chart, { networkPolicy: { restrictEgress: false } });

      assert.deepEqual(restricted.ways.at(-1), own[0]);
      assert.ok(restricted.ways.length >= 2);
      assert.deepEqual([restricted.types, open.types, open.ways], [["Ingress", "Egress"], ["Ingress"], []]);
    }
  },
);

async function policyOf(chart: ChartName, values: Values) {
  const networkPolicy = { enabled: true, restrictEgress: true };
  const objects = await render(chart, over(over(LEAST[chart], { networkPolicy }), values));
  const { egress = [], policyTypes } = the(objects, "NetworkPolicy").spec as unknown as {
    egress?: readonly Rule[];
    policyTypes: readonly string[];
  };
  return { ways: egress, types: policyTypes };
}

function open(ways: readonly Rule[], destinations: readonly Destination[]): void {
  assert.deepEqual(destinations.filter((one) => !ways.some((way) => leads(way, one))), []);
}

function shut(ways: readonly Rule[], destinations: readonly Destination[]): void {
  assert.deepEqual(destinations.filter((one) => ways.some((way) => leads(way, one))), []);
}

/** As Kubernetes says of egress rules: any port of theirs, to any peer of theirs; none named means all. */
function leads({ to, ports }: Rule, { pod, port, protocol = "TCP" }: Destination): boolean {
  if (!ports.some((one) => one.port === port && one.protocol === protocol)) return false;
  if (to === undefined) return true;
  return to.some(({ namespaceSelector, podSelector }) => {
    if (pod === undefined || namespaceSelector === undefined) return false;
    return has(pod.namespace, namespaceSelector) && (podSelector === undefined || has(pod.labels, podSelector));
  });
}

function has(labels: Labels, { matchLabels = {} }: Selector): boolean {
  return Object.entries(matchLabels).every(([name, value]) => labels[name] === value);
}
