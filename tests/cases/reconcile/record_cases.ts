import assert from "node:assert/strict";
import { createRecords } from "../../../agent/kube/records/records.ts";
import { Failure } from "$lib/error.ts";
import { silentLog } from "../../fakes/silent_log.ts";
import { eventually } from "../../system/wait.ts";
import type { ReconcileCase } from "./reconcile_case.ts";
import { TYPES, yamlOf } from "./samples.ts";
import { bundleOf, CONFIG_MAP, configMapYaml, type ReconcileWorld, type TestAgent } from "./world.ts";

/** What the agent's record is good for, and what becomes of it in others' hands. */
export const recordCases: readonly ReconcileCase[] = [
  ...(["ConfigMap", "Secret", "Lease"] as const).map((kind): ReconcileCase => ({
    name: `a ${kind} named like the agent's own is a fault where those are, whatever its policy, and none elsewhere`,
    async run({ agent, newStack, inventory, namespace }) {
      const one = await agent();
      const apiVersion = kind === "Lease" ? "coordination.k8s.io/v1" : "v1";
      const name = `brokkr-agent-${one.id}`;
      const named = (where: string) => ({ apiVersion, kind, metadata: { name, namespace: where } });

      const plain = await one.reconcile(newStack(), bundleOf(configMapYaml("a", "1"), yamlOf(named(inventory))));
      const own = await one.reconcile(newStack(), yamlOf(named(inventory), { adopt: "own" }));
      const elsewhere = await one.reconcile(newStack(), yamlOf(named(namespace)));

      for (const { result, reason, message, results } of [plain, own]) {
        assert.deepEqual([result, reason, results], ["failed", "invalid_bundle", []], message);
        assert.match(message, new RegExp(`document \\d, line \\d+: ${kind} "${name}" .*is the agent's own`));
      }
      assert.equal(elsewhere.result, "applied", elsewhere.message);
    },
  })),
  {
    name:
      "a turn reads and tries while the root is being written, and writes nothing before it is, nor where it can't be",
    async run({ agent, newStack, hand, namespace, inventory }) {
      const one = await agent();
      const stack = newStack();
      const [going, failing] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const isThere = async () =>
        [
          await hand.get(CONFIG_MAP, "a", namespace),
          await hand.get(CONFIG_MAP, `brokkr-stack-${stack}-${one.id.slice(0, 8)}`, inventory),
        ].map((object) => object !== undefined);

      one.reconciler.writeAfter(failing.promise);
      failing.reject(new Failure("kubernetes_unavailable", "Cannot patch the root"));
      const refused = await one.reconcile(stack, configMapYaml("a", "1"));
      one.reconciler.writeAfter(going.promise);
      one.counts();
      const turn = one.reconcile(stack, configMapYaml("a", "1"));
      await eventually("the dry run is made", () => one.counts()["dry_run success"] === 1);
      const early = await isThere();
      going.resolve();
      const { result } = await turn;

      assert.deepEqual([refused.result, refused.reason, refused.message], [
        "failed",
        "unavailable",
        "Cannot patch the root",
      ]);
      assert.deepEqual([early, result, await isThere()], [[false, false], "applied", [true, true]]);
    },
  },
  {
    name: "of a stack whose record was spoilt nothing is removed, and nothing is forgotten",
    async run(world) {
      const { one, stack } = await withTwo(world);
      await patchParent(world, one, stack, { binaryData: { objects: btoa("spoilt") } });
      using fresh = await one.restarted();

      const applied = await fresh.reconcile(stack, configMapYaml("a", "1"));
      const removed = await fresh.remove(stack);

      await assertNothingLost(world, { one: fresh, stack, outcomes: [applied, removed] });
      assert.match(applied.message, /the record in ConfigMap "brokkr-stack-.*" is spoilt/);
    },
  },
  {
    name: "of a stack that 0.10.0 left without its list of kinds nothing is removed, and nothing is forgotten",
    async run(world) {
      const { one, stack } = await withTwo(world);
      const annotations = { ...OF_0_10, "applyset.kubernetes.io/contains-group-kinds": null };
      await patchParent(world, one, stack, { metadata: { annotations }, binaryData: null });
      using fresh = await one.restarted();

      const applied = await fresh.reconcile(stack, configMapYaml("a", "1"));
      const removed = await fresh.remove(stack);

      await assertNothingLost(world, { one: fresh, stack, outcomes: [applied, removed] });
      assert.match(applied.message, /list of kinds is lost/);
    },
  },
  {
    name: "what 0.10.0 left is found by its labels once, and recorded: what the bundle drops goes then",
    async run(world) {
      const { one, stack } = await withTwo(world);
      await patchParent(world, one, stack, { metadata: { annotations: OF_0_10 }, binaryData: null });
      using fresh = await one.restarted();

      const outcome = await fresh.reconcile(stack, configMapYaml("a", "1"));

      const actions = outcome.results.map(({ name, action }) => [name, action]);
      assert.deepEqual(actions, [["a", "unchanged"], ["b", "deleted"]], outcome.message);
      assert.equal(fresh.objectsOf(stack), 1);
    },
  },
  {
    name: "what two processes of one agent apply at once is in its record, whichever comes late",
    async run(world) {
      const { one, stack } = await withTwo(world);
      using other = await one.restarted();
      await other.reconcile(stack, bundleOf(configMapYaml("a", "1"), configMapYaml("b", "1")));
      const bundle = (name: string) => configMapYaml(name, "1");
      const unaware = { mayPrune: false, isPlanned: false };

      const first = await one.reconcile(stack, bundle("c"), unaware);
      const late = await other.reconcile(stack, bundle("d"), unaware);
      const again = await other.reconcile(stack, bundle("d"), unaware);

      assert.deepEqual([first.result, again.result], ["applied", "applied"], first.message + again.message);
      assert.deepEqual([late.result, late.reason, late.results], ["failed", "unavailable", []]);
      assert.match(late.message, /Cannot write the record of stack .* changed by somebody else/);
      assert.equal(other.objectsOf(stack), 4);
    },
  },
  {
    name: "a record's parent that somebody made anew is the parent from then on",
    async run(world) {
      const { hand, inventory } = world;
      const { one, stack } = await withTwo(world);
      const parent = await hand.get(CONFIG_MAP, parentOf(one, stack), inventory);
      assert.ok(parent);
      const { name, labels, annotations } = parent.metadata;
      await hand.remove(CONFIG_MAP, { name, namespace: inventory });
      await hand.create(CONFIG_MAP, { ...parent, metadata: { name, namespace: inventory, labels, annotations } });

      const unaware = { isPlanned: false };
      const outcome = await one.reconcile(stack, configMapYaml("a", "2"), unaware);

      const actions = outcome.results.map(({ name, action }) => [name, action]);
      assert.deepEqual(actions, [["a", "configured"], ["b", "deleted"]], outcome.message);
      const removed = await one.remove(stack);
      assert.equal(removed.result, "applied", removed.message);
      assert.equal(await hand.get(CONFIG_MAP, name, inventory), undefined);
    },
  },
  {
    name: "a parent that lost its label has it again after a turn, and its stack is in the inventory",
    async run(world) {
      const { one, stack } = await withTwo(world);
      await patchParent(world, one, stack, { metadata: { labels: null } });
      const before = await one.reconciler.inventory.listStacks();

      await one.reconcile(stack, bundleOf(configMapYaml("a", "1"), configMapYaml("b", "1")));

      const after = await one.reconciler.inventory.listStacks();
      assert.deepEqual([before, after].map((stacks) => stacks.map(({ id }) => id)), [[], [stack]]);
    },
  },
  {
    name: "one object that comes under another group's name is kept: it is the same one",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const [first, second] = eventTwice(namespace);
      const applied = await one.reconcile(stack, yamlOf(first));
      const before = await hand.get(TYPES.events, "one", namespace);

      const moved = await one.reconcile(stack, yamlOf(second));
      const again = await one.reconcile(stack, yamlOf(second));

      assert.deepEqual([applied.result, again.result], ["applied", "unchanged"], applied.message + again.message);
      assert.equal(
        moved.results.some(({ action }) => action === "deleted" || action === "failed"),
        false,
        moved.message,
      );
      const after = await hand.get(TYPES.events, "one", namespace);
      assert.notEqual(before, undefined);
      assert.equal(after?.metadata.uid, before?.metadata.uid);
      assert.equal(one.objectsOf(stack), 1);
    },
  },
  {
    name: "one object that a bundle has under two groups is refused as one that it has twice, and goes once",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const [first, second] = eventTwice(namespace);
      const bundle = bundleOf(yamlOf(first), configMapYaml("a", "1"), yamlOf(second));

      const outcomes = [await one.reconcile(stack, bundle), await one.reconcile(stack, bundle)];
      const mended = await one.reconcile(stack, bundleOf(yamlOf(first), configMapYaml("a", "1")));
      const removed = await one.remove(stack);

      for (const { result, reason, results } of outcomes) {
        const errors = results.flatMap(({ error, group }) => error === undefined ? [] : [`${group}: ${error}`]);
        assert.deepEqual([result, reason], ["failed", "refused"]);
        assert.match(
          errors.join("\n"),
          /^events.k8s.io: document 3, line \d+: .* twice, .* that of document 1, line \d+$/,
        );
      }
      assert.equal(mended.result, "unchanged", mended.message);
      assert.deepEqual(removed.results.map(({ kind, action }) => `${kind} ${action}`).sort(), [
        "ConfigMap deleted",
        "Event deleted",
      ]);
      assert.equal(await hand.get(TYPES.events, "one", namespace), undefined);
    },
  },
  {
    name: "one object that a record has under two groups goes once",
    async run({ agent, newStack, hand, namespace, inventory }) {
      const [one, stack] = [await agent(), newStack()];
      await one.reconcile(stack, yamlOf(eventTwice(namespace)[0]));
      const { id: agentId, kubernetes } = one;
      const records = createRecords({ agentId, kubernetes, namespace: inventory, log: silentLog() });
      const record = await records.find(stack);
      const objects = record?.objects.flatMap((recorded) => [recorded, { ...recorded, group: "events.k8s.io" }]) ?? [];
      if (record !== undefined) await records.write({ ...record, objects });

      const removed = await (await one.restarted()).remove(stack);

      assert.equal(objects.length, 2);
      assert.deepEqual(removed.results.map(({ action }) => action), ["deleted"]);
      assert.equal(await hand.get(TYPES.events, "one", namespace), undefined);
    },
  },
];

/** What tells a parent of 0.10.0 from one of now. */
const OF_0_10 = { "brokkr.io/record": null, "brokkr.io/record-digest": null, "brokkr.io/record-pieces": null };

/** One Event, as the two groups that have it show it. */
function eventTwice(namespace: string) {
  const who = { kind: "Pod", name: "p", namespace };
  const event = { metadata: { name: "one", namespace }, reason: "Tried", type: "Normal", action: "Try" };
  const by = { reportingInstance: "i", eventTime: "2026-01-01T00:00:00.000000Z" };
  const core = { apiVersion: "v1", kind: "Event", ...event, ...by, involvedObject: who, message: "works" };
  const newer = { apiVersion: "events.k8s.io/v1", kind: "Event", ...event, ...by, regarding: who, note: "works" };
  const component = "example.com/c";
  return [{ ...core, reportingComponent: component }, { ...newer, reportingController: component }] as const;
}

async function withTwo(world: ReconcileWorld) {
  const [one, stack] = [await world.agent(), world.newStack()];
  const { result, message } = await one.reconcile(stack, bundleOf(configMapYaml("a", "1"), configMapYaml("b", "1")));
  assert.equal(result, "applied", message);
  return { one, stack };
}

function parentOf(one: TestAgent, stack: string): string {
  return `brokkr-stack-${stack}-${one.id.slice(0, 8)}`;
}

async function patchParent(world: ReconcileWorld, one: TestAgent, ...[stack, patch]: [string, unknown]): Promise<void> {
  await world.hand.patch(CONFIG_MAP, { name: parentOf(one, stack), namespace: world.inventory }, patch);
}

interface Refusing {
  readonly one: TestAgent;
  readonly stack: string;
  readonly outcomes: readonly { readonly result: string; readonly reason?: string; readonly message: string }[];
}

async function assertNothingLost({ hand, namespace, inventory }: ReconcileWorld, { one, stack, outcomes }: Refusing) {
  for (const { result, reason, message } of outcomes) {
    assert.deepEqual([result, reason], ["failed", "list_failed"], message);
  }
  for (const name of ["a", "b"]) assert.notEqual(await hand.get(CONFIG_MAP, name, namespace), undefined, name);
  assert.notEqual(await hand.get(CONFIG_MAP, parentOf(one, stack), inventory), undefined);
}
