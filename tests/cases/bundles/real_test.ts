import assert from "node:assert/strict";
import type { Outcome } from "../../../agent/kube/outcome.ts";
import { locateControlPlane, startControlPlane } from "../../cluster/control_plane.ts";
import { testWith } from "../../run/parts.ts";
import { waitFor } from "../../run/wait.ts";
import { type Hand, openWorld, type ReconcileWorld, type TestAgent } from "../reconcile/world.ts";
import { aggregatedApi, ingressController, monitoring, operator, serviceMesh } from "./bundles.ts";
import { tracesIn } from "./traces.ts";
import { type Manifest, yamlOf } from "./yaml.ts";

/** A bundle like public ones of its kind. */
interface Imitation {
  readonly name: string;
  readonly manifests: () => readonly Manifest[];
  /** How long its text is at least. */
  readonly characters: number;
  /** Waits until the cluster has said all that it has to say of what was applied. */
  readonly untilSettled?: (hand: Hand) => Promise<void>;
}

const BUNDLES: readonly Imitation[] = [
  { name: "an ingress controller with admission Jobs", manifests: ingressController, characters: 5_000 },
  { name: "a monitoring set with typed lists", manifests: monitoring, characters: 1_000_000 },
  { name: "a service mesh's definitions with their resources", manifests: serviceMesh, characters: 400_000 },
  { name: "an operator's bundle of 4 MB", manifests: operator, characters: 4_000_000 },
  { name: "an aggregated API that is away", manifests: aggregatedApi, characters: 3_000, untilSettled: untilSeenAway },
];
const WRITES = /^(apply|patch|create|delete|replace)\b/;

testWith("nodes", "bundles like public ones are applied, then unchanged with no write, then gone", async (test) => {
  const binaries = locateControlPlane();
  assert.ok(binaries);
  await using cluster = await startControlPlane(binaries, { nodes: false });
  for (const imitation of BUNDLES) {
    const { name, manifests, characters } = imitation;
    await test.step(name, async () => {
      using world = await openWorld(cluster.kubeconfigPath);
      const bundle = yamlOf(manifests());
      assert.ok(bundle.length >= characters, `only ${bundle.length} characters`);
      await deliverAndRemove(world, bundle, imitation);
    });
  }
});

async function deliverAndRemove(world: ReconcileWorld, bundle: string, { untilSettled }: Imitation): Promise<void> {
  const [one, stack] = [await world.agent(), world.newStack()];

  const first = await one.reconcile(stack, bundle);
  assert.equal(first.result, "applied", first.message);
  assert.deepEqual(Object.keys(one.counts()).filter((request) => !request.endsWith(" success")), []);
  await untilSettled?.(world.hand);
  await staysUnchanged(one, stack, bundle, { mayNote: untilSettled !== undefined });
  using restarted = await one.restarted();
  await staysUnchanged(restarted, stack, bundle);
  assert.ok((await tracesIn(one.kubernetes)).length >= first.results.length);

  const removed = await removal(restarted, stack);
  assert.equal(removed.result, "applied", removed.message);
  assert.deepEqual(await tracesIn(one.kubernetes), []);
}

/** A status that changed in an object without a generation is looked at once, and noted in the stack's record alone. */
async function staysUnchanged(
  agent: TestAgent,
  stack: string,
  bundle: string,
  { mayNote = false } = {},
): Promise<void> {
  agent.counts();
  const { result, message, driftRepaired } = await agent.reconcile(stack, bundle);
  const writes = Object.entries(agent.counts()).filter(([request]) => WRITES.test(request))
    .filter(([request, count]) => !(mayNote && request === "patch success" && count === 1));
  assert.deepEqual({ result, driftRepaired, writes }, { result: "unchanged", driftRepaired: 0, writes: [] }, message);
}

const API_SERVICE = {
  apiVersion: "apiregistration.k8s.io/v1",
  kind: "APIService",
  resource: "apiservices",
  namespaced: false,
  verbs: [],
};

/** Nothing is behind its Service, once the cluster has looked. */
async function untilSeenAway(hand: Hand): Promise<void> {
  await waitFor(async () => {
    const live = await hand.get(API_SERVICE, "v1.measured.example.org");
    return JSON.stringify(live).includes("MissingEndpoints") ? true : undefined;
  }, { what: "see that the aggregated API is away" });
}

/** Namespaces take their time, and a removal that waits for one is asked for again, as a resync does. */
function removal(agent: TestAgent, stack: string): Promise<Outcome> {
  let last = "";
  return waitFor(async () => {
    const outcome = await agent.remove(stack);
    last = outcome.message;
    return outcome.result === "blocked" && outcome.reason === "going" ? undefined : outcome;
  }, { what: "remove the stack", detail: () => Promise.resolve(last) });
}
