import type { HealthStatus, ObjectResult } from "$lib/wire/event.ts";
import { mintPak } from "../../broker/domain/pak.ts";
import type { Store } from "../../broker/store/mod.ts";

/** The annotation by which the fleet's agents are grouped. */
export const REGION = "region";

/** What a stack of the fleet is like on an agent that nothing is wrong with. */
const STACKS = ["web", "orders", "payments", "search", "ingress", "monitoring", "cert-manager", "reports"] as const;
const AGENTS: readonly (readonly [name: string, region: string])[] = [
  ["berlin", "europe"],
  ["paris", "europe"],
  ["dublin", "europe"],
  ["austin", "america"],
  ["toronto", "america"],
  ["tokyo", "asia"],
  ["mumbai", "asia"],
];

/** Names that teams give without a thought for who shows them. */
export const ODD_NAMES = [
  "<img src=x onerror=alert(1)>",
  "\u202Egnp.ecaf\u2066 right to left",
  "📦 emoji 🚚",
  `a-very-long-name-${"x".repeat(230)}`,
] as const;

/** A fleet with something of everything in it. */
export interface ConsoleFleet {
  readonly adminPak: string;
  readonly generatorPak: string;
  readonly agentPak: string;
  /** Ids by names. */
  readonly agents: ReadonlyMap<string, string>;
  readonly stacks: ReadonlyMap<string, string>;
}

/** Fills a store: seven agents, eight stacks, in all the states that a page shows. */
export async function fillFleet(store: Store): Promise<ConsoleFleet> {
  const keys = { admin: await mintPak(), generator: await mintPak(), agent: await mintPak() };
  await store.adminRole.changePak({ pakHash: keys.admin.hash, keepsFormer: false });
  const generator = await store.generators.add({ name: "shop", pakHash: keys.generator.hash });
  const stacks = new Map<string, string>();
  for (const name of STACKS) {
    const { id } = await store.stacks.add({ name, generatorId: generator.id });
    stacks.set(name, id);
  }
  const agents = new Map<string, string>();
  for (const [name, region] of AGENTS) {
    const pakHash = name === "berlin" ? keys.agent.hash : (await mintPak()).hash;
    const agent = await store.agents.add({ name, clusterName: `${name}-1`, pakHash, generatorIds: [generator.id] });
    agents.set(name, agent.id);
    await store.agents.change(agent.id, { status: "ACTIVE" });
    await store.agentTags.addAnnotation(agent.id, { key: REGION, value: region });
    for (const stackId of stacks.values()) await store.targets.add(agent.id, stackId);
  }
  const fleet = {
    adminPak: keys.admin.pak,
    generatorPak: keys.generator.pak,
    agentPak: keys.agent.pak,
    agents,
    stacks,
  };
  await deliver(store, fleet);
  return fleet;
}

/** Adds a stack of each odd name to an agent of an odd name. */
export async function addOddNames(store: Store): Promise<string> {
  const [generator] = (await store.generators.list()).items.filter(({ name }) => name === "shop");
  const agent = await store.agents.add({
    ...{ name: ODD_NAMES[0], clusterName: ODD_NAMES[1], pakHash: (await mintPak()).hash },
    generatorIds: generator === undefined ? [] : [generator.id],
  });
  await store.agentTags.addAnnotation(agent.id, { key: REGION, value: "<b>antarctica</b>" });
  for (const name of ODD_NAMES) {
    const stack = await store.stacks.add({ name, description: name, generatorId: generator?.id ?? "" });
    await store.targets.add(agent.id, stack.id);
    await submit(store, stack.id, manifest("odd", "1"));
    await settled(store);
    await store.snapshots.read(agent.id, { isOwn: true });
    await store.deliveries.report({
      agentId: agent.id,
      stackId: stack.id,
      state: "failed",
      reason: "refused",
      message: name,
    });
  }
  return agent.id;
}

/** A submission of a Deployment, and of a Secret that nobody is to see. */
function manifest(name: string, version: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  namespace: shop
spec:
  replicas: 3
  template:
    spec:
      containers:
        - name: ${name}
          image: registry.example.org/${name}:${version}
---
apiVersion: v1
kind: Secret
metadata:
  name: ${name}-login
  namespace: shop
stringData:
  password: hunter-${version}
`;
}

/** Submits a text to a stack, in the name of the generator `shop`. */
async function submit(store: Store, stackId: string, yamlContent: string): Promise<number> {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(yamlContent));
  const { object } = await store.objects.submit({
    ...{ stackId, yamlContent, isDeletionMarker: false },
    yamlChecksum: new Uint8Array(bytes).toHex(),
  });
  return object.sequenceId;
}

/** Until nothing is left to be settled. */
async function settled(store: Store): Promise<void> {
  while (await store.settling.settleNext());
}

async function deliver(store: Store, { agents, stacks }: ConsoleFleet): Promise<void> {
  for (const version of ["1.4.0", "1.4.1"]) {
    for (const [name, stackId] of stacks) await submit(store, stackId, manifest(name, version));
    await settled(store);
  }
  for (const agentId of agents.values()) {
    await store.agents.heartbeat(agentId, {
      ...{ k8sReachable: true, k8sApiLatencyMs: 12, k8sVersion: "v1.36.3", agentVersion: "0.11.0" },
    });
    await store.snapshots.read(agentId, { isOwn: true });
    for (const [name, stackId] of stacks) {
      await store.deliveries.report({ agentId, stackId, ...applied(name, "healthy") });
    }
  }
  const of = (agent: string, stack: string) => ({ agentId: agents.get(agent) ?? "", stackId: stacks.get(stack) ?? "" });
  await store.deliveries.report({ ...of("paris", "orders"), ...applied("orders", "degraded") });
  await store.deliveries.report({ ...of("austin", "search"), ...applied("search", "progressing") });
  await store.deliveries.report({
    ...of("tokyo", "payments"),
    ...{ state: "failed", reason: "refused", attempts: 4, nextRetryAt: new Date(Date.now() + 90_000) },
    message: 'admission webhook "policy.example.org" denied the request: image is not signed',
  });
  await hold(store, of("toronto", "reports"));
}

/** The agent's guard holds what a lost target would remove. */
async function hold(store: Store, { agentId, stackId }: { agentId: string; stackId: string }): Promise<void> {
  await store.targets.remove(agentId, stackId);
  await settled(store);
  const { revision } = await store.snapshots.version(agentId);
  await store.deliveries.report({
    ...{ agentId, stackId, revision, state: "blocked", reason: "prune_held" },
    message: "2 of 16 objects would be removed",
  });
}

function applied(name: string, status: HealthStatus) {
  const at = new Date();
  const reason = status === "degraded" ? `Pod "${name}-7c9f": ImagePullBackOff` : undefined;
  const result = (kind: string, own: string, health: HealthStatus): ObjectResult => ({
    ...{ kind, namespace: "shop", name: own, action: "configured", health },
    ...(kind === "Deployment" && reason !== undefined ? { health_reason: reason } : {}),
  });
  return {
    state: "applied" as const,
    eventType: "DEPLOY" as const,
    health: { status, at, ...(reason === undefined ? {} : { reason }) },
    results: [result("Deployment", name, status), result("Secret", `${name}-login`, "healthy")],
  };
}
