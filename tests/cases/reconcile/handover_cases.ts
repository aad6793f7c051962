import assert from "node:assert/strict";
import type { ReconcileCase } from "./reconcile_case.ts";
import { claim, configMap, definition, down, downs, job, TYPES, yamlOf } from "./samples.ts";
import {
  type AgentOptions,
  bundleOf,
  CONFIG_MAP,
  configMapYaml,
  nameOf,
  NAMESPACE,
  type ReconcileWorld,
  type TestAgent,
} from "./world.ts";

const PVC = yamlOf(claim("disk"));

/** Objects that leave one stack and that another one wants: they go over, and are never deleted in between. */
export const handoverCases: readonly ReconcileCase[] = [
  ...(["the one that loses it", "the one that gets it"] as const).map((first): ReconcileCase => ({
    name: `a claim moved in one change keeps its uid, where ${first} has its turn first`,
    async run(world) {
      const { one, a, b, uid } = await withClaim(world);
      const [left, right] = [configMapYaml("a", "2"), bundleOf(configMapYaml("b", "2"), PVC)];
      one.plan({ id: a, bundle: left }, { id: b, bundle: right });
      const turns = [() => one.reconcile(a, left), () => one.reconcile(b, right)];

      const outcomes = [];
      for (const turn of first === "the one that loses it" ? turns : turns.toReversed()) outcomes.push(await turn());
      for (const turn of turns.toReversed()) outcomes.push(await turn());
      for (const turn of turns) outcomes.push(await turn());

      assert.equal(outcomes.flatMap(({ results }) => results).some(({ action }) => action === "deleted"), false);
      assert.deepEqual(outcomes.slice(-2).map(({ result }) => result), ["unchanged", "unchanged"]);
      assert.equal(await uidOf(world), uid);
      assert.deepEqual([one.objectsOf(a), one.objectsOf(b)], [1, 2]);
    },
  })),
  {
    name: "what is to be handed over waits for whoever gets it, while the rest of both stacks goes on",
    async run(world) {
      const { one, a, b, uid } = await withClaim(world);
      const [left, right] = [configMapYaml("a", "2"), bundleOf(configMapYaml("b", "2"), PVC)];
      one.plan({ id: a, bundle: left }, { id: b, bundle: right });

      const losing = await one.reconcile(a, left);
      const changed = await world.hand.get(CONFIG_MAP, "a", world.namespace);
      const getting = await one.reconcile(b, right);
      const later = await one.reconcile(a, left);

      assert.deepEqual([losing.result, losing.reason], ["blocked", "waiting"], losing.message);
      assert.match(losing.message, /PersistentVolumeClaim "disk" .*stays until it is known what every stack wants/);
      assert.deepEqual(changed?.data, { value: "2" });
      assert.equal(getting.result, "applied", getting.message);
      assert.equal(later.result, "unchanged", later.message);
      assert.equal(await uidOf(world), uid);
    },
  },
  {
    name: "a stack that wants what another one has and wants is blocked with that one's name, until it lets go of it",
    async run(world) {
      const { one, a, b, uid } = await withClaim(world);
      const right = bundleOf(configMapYaml("b", "2"), PVC);

      const blocked = await one.reconcile(b, right);
      const changed = await world.hand.get(CONFIG_MAP, "b", world.namespace);
      const waiting = await one.reconcile(a, configMapYaml("a", "2"));
      const taken = await one.reconcile(b, right);
      const dropped = await one.reconcile(a, configMapYaml("a", "2"));

      assert.deepEqual([blocked.result, blocked.reason], ["blocked", "wanted_elsewhere"], blocked.message);
      assert.match(blocked.message, new RegExp(`PersistentVolumeClaim "disk" .*stack "${nameOf(a)}" has it`));
      assert.deepEqual(changed?.data, { value: "2" });
      assert.deepEqual([waiting.result, waiting.reason], ["blocked", "waiting"], waiting.message);
      assert.match(waiting.message, new RegExp(`"disk" .*stays until stack "${nameOf(b)}" has taken it over`));
      assert.deepEqual([taken.result, dropped.result], ["applied", "unchanged"], taken.message);
      assert.equal(await uidOf(world), uid);
      assert.deepEqual([one.objectsOf(a), one.objectsOf(b)], [1, 2]);
    },
  },
  ...[false, true].map((isSent): ReconcileCase => ({
    name: isSent
      ? "a claim stays that another stack takes over while its deletion is on its way"
      : "a claim stays that another stack comes to want before its deletion is sent",
    async run(world) {
      let later: TestAgent | undefined;
      const happens = async (kind: string) => {
        if (kind !== "PersistentVolumeClaim" || later !== undefined) return;
        if (!isSent) one.plan({ id: b, bundle: right });
        later = await one.restarted({ beforeDelete: undefined });
        await later.learn(a, left);
        if (isSent) await later.reconcile(b, right);
      };
      const { one, a, b, uid } = await withClaim(world, { beforeDelete: { isSent, happens } });
      const [left, right] = [configMapYaml("a", "1"), bundleOf(configMapYaml("b", "1"), PVC)];

      const losing = await one.reconcile(a, left);
      const getting = await later?.reconcile(b, right);
      const dropped = await later?.reconcile(a, left);

      assert.deepEqual([losing.result, losing.reason], ["blocked", "waiting"], losing.message);
      const why = isSent ? "changed while it was to go" : "stays until it is known what every stack wants";
      assert.match(losing.message, new RegExp(`PersistentVolumeClaim "disk" .* ${why}`));
      assert.deepEqual([getting?.result, dropped?.result], [isSent ? "unchanged" : "applied", "unchanged"]);
      assert.equal(await uidOf(world), uid);
      assert.deepEqual([later?.objectsOf(a), later?.objectsOf(b)], [1, 2]);
    },
  })),
  {
    name: "a claim stays that its own stack wants again by the time that an overtaken turn would delete it",
    async run(world) {
      const ask = () => {
        one.plan({ id: a, bundle: both });
        return Promise.resolve({ isAllowed: true } as const);
      };
      const { one, a, uid } = await withClaim(world);
      const [both, left] = [bundleOf(configMapYaml("a", "2"), PVC), configMapYaml("a", "1")];

      const overtaken = await one.reconcile(a, left, { guard: { ask } });
      const newer = await one.reconcile(a, both);

      assert.deepEqual([overtaken.result, overtaken.reason], ["blocked", "waiting"], overtaken.message);
      assert.equal(newer.result, "applied", newer.message);
      assert.equal(await uidOf(world), uid);
      assert.equal(one.objectsOf(a), 2);
    },
  },
  ...["its stack", "the other one"].map((first): ReconcileCase => ({
    name:
      `a Job that was applied once, and is gone, is not run again by another stack, where ${first} has its turn first`,
    async run({ agent, newStack, hand, namespace }) {
      const [one, a, b] = [await agent(), newStack(), newStack()];
      const once = yamlOf(job("registry.example/app:1"), { apply: "once" });
      const left = configMapYaml("a", "1");
      await one.reconcile(a, bundleOf(left, once));
      await hand.remove(TYPES.jobs, { name: "migrate", namespace });
      one.plan({ id: a, bundle: left }, { id: b, bundle: once });
      const turns = first === "its stack" ? [[a, left], [b, once], [a, left]] : [[b, once], [a, left], [b, once]];
      for (const [id = "", bundle = ""] of turns) await one.reconcile(id, bundle);

      const ends = [await one.reconcile(a, left), await one.reconcile(b, once)];

      assert.deepEqual(ends.map(({ result }) => result), ["unchanged", "unchanged"]);
      assert.equal(await hand.get(TYPES.jobs, "migrate", namespace), undefined);
      assert.deepEqual([a, b].map((id) => one.objectsOf(id)), [1, 1]);
    },
  })),
  {
    name: "a stack with a Job that was applied once goes when the stack that has it from now on knows that",
    async run({ agent, newStack, hand, namespace }) {
      const [one, a, b] = [await agent(), newStack(), newStack()];
      const once = yamlOf(job("registry.example/app:1"), { apply: "once" });
      await one.reconcile(a, once);
      await hand.remove(TYPES.jobs, { name: "migrate", namespace });
      one.plan({ id: b, bundle: once });

      const early = await one.remove(a);
      await one.reconcile(b, once);
      const removed = await one.remove(a);

      assert.deepEqual([early.reason, removed.result], ["waiting", "applied"], early.message);
      assert.match(early.message, /Job "migrate" .* was applied once, which is kept until /);
      assert.equal(await hand.get(TYPES.jobs, "migrate", namespace), undefined);
      assert.deepEqual([a, b].map((id) => one.objectsOf(id)), [undefined, 1]);
    },
  },
  {
    name: "what its new stack only makes where it is absent goes over as it is, and goes with that stack",
    async run({ agent, newStack, hand, namespace }) {
      const [one, a, b] = [await agent(), newStack(), newStack()];
      const moving = yamlOf(configMap("moving", { value: "theirs" }), { apply: "if-absent" });
      await one.reconcile(a, bundleOf(configMapYaml("a", "1"), configMapYaml("moving", "1")));
      const before = await hand.get(CONFIG_MAP, "moving", namespace);
      one.plan({ id: a, bundle: configMapYaml("a", "1") }, { id: b, bundle: moving });

      await one.reconcile(a, configMapYaml("a", "1"));
      const taken = await one.reconcile(b, moving);
      const left = await one.reconcile(a, configMapYaml("a", "1"));
      const after = await hand.get(CONFIG_MAP, "moving", namespace);
      const removed = await one.remove(b);

      assert.deepEqual([taken.result, left.result, removed.result], ["applied", "unchanged", "applied"], left.message);
      assert.deepEqual([after?.metadata.uid, after?.data], [before?.metadata.uid, { value: "1" }]);
      assert.deepEqual([one.objectsOf(a), await hand.get(CONFIG_MAP, "moving", namespace)], [1, undefined]);
    },
  },
  {
    name: "a stack that comes back under another name and id keeps its objects; the old one goes when they are taken",
    async run(world) {
      const { one, a, uid } = await withClaim(world);
      const renamed = world.newStack();
      const bundle = bundleOf(configMapYaml("a", "1"), PVC);
      one.plan({ id: a, bundle: undefined }, { id: renamed, bundle });

      const early = await one.remove(a);
      const taken = await one.reconcile(renamed, bundle);
      const gone = await one.remove(a);

      assert.deepEqual([early.result, early.reason], ["blocked", "waiting"], early.message);
      assert.equal(taken.result, "applied", taken.message);
      assert.equal(gone.result, "applied", gone.message);
      assert.deepEqual([early, gone].flatMap(({ results }) => results), []);
      assert.equal(await uidOf(world), uid);
      assert.deepEqual([one.objectsOf(a), one.objectsOf(renamed)], [undefined, 2]);
    },
  },
  {
    name: "a stack that is split gives each part its objects, as they are",
    async run(world) {
      const { hand, namespace } = world;
      const { one, a, b, uid } = await withClaim(world);
      const third = world.newStack();
      const before = await hand.get(CONFIG_MAP, "b", namespace);
      const parts = [[a, configMapYaml("a", "1")], [third, bundleOf(PVC, configMapYaml("b", "1"))]] as const;
      one.plan({ id: b, bundle: undefined }, ...parts.map(([id, bundle]) => ({ id, bundle })));

      for (let turn = 0; turn < 2; turn += 1) {
        await one.remove(b);
        for (const [id, bundle] of parts) await one.reconcile(id, bundle);
      }
      const removed = await one.remove(b);

      assert.equal(removed.result, "unchanged", removed.message); // it was gone when it had nothing left
      assert.equal(await uidOf(world), uid);
      assert.equal((await hand.get(CONFIG_MAP, "b", namespace))?.metadata.uid, before?.metadata.uid);
      assert.deepEqual([a, b, third].map((id) => one.objectsOf(id)), [1, undefined, 2]);
    },
  },
  {
    name: "what was handed over is not taken out with the stack that had it, and goes with the one that has it",
    async run(world) {
      const { one, a, b } = await withClaim(world);
      const right = bundleOf(configMapYaml("b", "1"), PVC);
      await one.reconcile(a, configMapYaml("a", "1"), { mayPrune: false });
      await one.reconcile(b, right);

      const first = await one.remove(a);
      const between = await uidOf(world);
      const second = await one.remove(b);

      assert.deepEqual(first.results.map(({ name }) => name), ["a"], first.message);
      assert.notEqual(between, undefined);
      assert.deepEqual(second.results.map(({ name }) => name).sort(), ["b", "disk"], second.message);
      assert.equal(await uidOf(world), undefined);
    },
  },
  {
    name: "what was there before is released by the stack that it was handed over to",
    async run(world) {
      const { hand, namespace } = world;
      const [one, a, b] = [await world.agent(), world.newStack(), world.newStack()];
      const old = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "old", namespace }, data: { value: "0" } };
      const made = await hand.create(CONFIG_MAP, old);
      const [both, left] = [bundleOf(configMapYaml("a", "1"), configMapYaml("old", "1")), configMapYaml("a", "1")];
      const right = bundleOf(configMapYaml("b", "1"), configMapYaml("old", "1"));
      await one.reconcile(a, both);
      one.plan({ id: a, bundle: left }, { id: b, bundle: right });
      for (const [id, bundle] of [[a, left], [b, right], [a, left]] as const) await one.reconcile(id, bundle);

      const dropped = await one.reconcile(b, configMapYaml("b", "1"));

      assert.deepEqual(dropped.results.map(({ action }) => action).sort(), ["configured", "unchanged"]);
      assert.equal((await hand.get(CONFIG_MAP, "old", namespace))?.metadata.uid, made.metadata.uid);
    },
  },
  {
    name: "what a suspended stack wants is known without a write, so that others' objects can go, and its own stay",
    async run(world) {
      const { one, a, b, uid } = await withClaim(world);
      const right = bundleOf(configMapYaml("b", "2"), PVC);
      one.plan({ id: a, bundle: configMapYaml("c", "1") }, { id: b, bundle: right });
      const early = await one.reconcile(a, configMapYaml("c", "1"));
      one.counts();

      const isKnown = await one.learn(b, right);
      const counted = Object.keys(one.counts()).filter((request) => !/^(get|list) /.test(request));
      const later = await one.reconcile(a, configMapYaml("c", "1"));

      assert.equal(early.reason, "waiting", early.message);
      assert.deepEqual([isKnown, counted], [true, []]);
      assert.deepEqual(later.results.filter(({ action }) => action === "deleted").map(({ name }) => name), ["a"]);
      assert.match(later.message, new RegExp(`"disk" .*stays until stack "${nameOf(b)}" has taken it over`));
      assert.equal(await uidOf(world), uid);
    },
  },
  {
    name: "a stack whose record is spoilt, or whose types are not there, keeps no other from being removed",
    async run(world) {
      const { one, a, b } = await withClaim(world);
      const name = `brokkr-stack-${b}-${one.id.slice(0, 8)}`;
      await world.hand.patch(CONFIG_MAP, { name, namespace: world.inventory }, { binaryData: { objects: btoa("x") } });
      const unknown = yamlOf({ apiVersion: "none.example.com/v1", kind: "None", metadata: { name: "none" } });

      const spoilt = await one.reconcile(b, configMapYaml("b", "2"));
      const refused = await one.reconcile(world.newStack(), unknown);
      const removed = await one.remove(a);

      assert.deepEqual([spoilt.reason, refused.reason], ["list_failed", "refused"]);
      assert.equal(removed.result, "applied", removed.message);
      assert.equal(removed.results.length, 2);
    },
  },
  {
    name: "the same bundle in another default namespace is another one to the others, and whole when it is brought",
    async run(world) {
      const { hand, namespace } = world;
      const [one, a, b] = [await world.agent(), world.newStack(), world.newStack()];
      const other = `${namespace}-other`;
      await hand.create(NAMESPACE, { apiVersion: "v1", kind: "Namespace", metadata: { name: other } });
      const bundle = configMapYaml("moving", "1");
      await one.reconcile(a, bundle);
      await one.reconcile(a, bundle, { defaultNamespace: other });

      const taken = await one.reconcile(b, configMapYaml("moving", "2", { namespace }));
      await hand.patch(CONFIG_MAP, { name: "moving", namespace: other }, { data: { value: "by hand" } });
      const reported = await one.reconcile(a, bundle, { defaultNamespace: other, drift: "report" });

      assert.equal(taken.result, "applied", taken.message);
      assert.match(reported.message, /1 object differs/);
    },
  },
  {
    name: "of two stacks that want what neither has yet, the one submitted first gets it",
    async run({ agent, newStack }) {
      const [one, early, late] = [await agent(), newStack(), newStack()];
      const bundle = configMapYaml("both", "1");
      one.plan({ id: early, bundle }, { id: late, bundle });
      await one.reconcile(early, bundle, { mayPrune: false });

      const outcome = await one.reconcile(late, bundle);

      assert.deepEqual([outcome.result, outcome.reason], ["blocked", "wanted_elsewhere"], outcome.message);
      assert.match(outcome.message, new RegExp(`ConfigMap "both" .*stack "${nameOf(early)}"`));
    },
  },
  {
    name: "an object stays whose new stack names it by a version that is not served, and goes over once it is served",
    async run({ agent, newStack, hand, namespace }) {
      const [one, a, b, group] = [await agent(), newStack(), newStack(), `moved.${namespace}.example`];
      const versions = (served: boolean) => [{ name: "v1beta1", served }, { name: "v1" }];
      const types = newStack();
      await one.reconcile(types, yamlOf(definition(group, versions(false))));
      await one.reconcile(a, bundleOf(yamlOf(down(group, "v1", { a: "x" })), configMapYaml("a", "1")));
      const { uid } = (await hand.get(downs(group, "v1"), "d", namespace))?.metadata ?? {};
      const [left, right] = [configMapYaml("a", "1"), yamlOf(down(group, "v1beta1", { a: "x" }))];
      one.plan({ id: a, bundle: left }, { id: b, bundle: right });

      const refused = await one.reconcile(b, right);
      const waiting = await one.reconcile(a, left);
      await one.reconcile(types, yamlOf(definition(group, versions(true))));
      const getting = await one.reconcile(b, right);
      const later = await one.reconcile(a, left);

      assert.deepEqual([refused.result, waiting.reason], ["failed", "waiting"], refused.message + waiting.message);
      assert.deepEqual([getting.result, later.result], ["applied", "unchanged"], getting.message + later.message);
      assert.ok(uid !== undefined);
      assert.equal((await hand.get(downs(group, "v1"), "d", namespace))?.metadata.uid, uid);
    },
  },
  {
    name: "an object stays whose new stack has a bundle that the agent refuses",
    async run(world) {
      const { one, a, b, uid } = await withClaim(world);
      const reserved = yamlOf({
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "brokkr-stack-x", namespace: world.inventory },
      });
      const [left, right] = [configMapYaml("a", "1"), bundleOf(PVC, reserved)];
      one.plan({ id: a, bundle: left }, { id: b, bundle: right });

      const refused = await one.reconcile(b, right);
      const waiting = await one.reconcile(a, left);

      assert.deepEqual([refused.reason, waiting.reason], ["invalid_bundle", "waiting"], waiting.message);
      assert.equal(await uidOf(world), uid);
    },
  },
];

/** Stack A has a claim and a ConfigMap, stack B a ConfigMap. */
async function withClaim(world: ReconcileWorld, options: AgentOptions = {}) {
  const [one, a, b] = [await world.agent(options), world.newStack(), world.newStack()];
  const first = await one.reconcile(a, bundleOf(configMapYaml("a", "1"), PVC));
  const second = await one.reconcile(b, configMapYaml("b", "1"));
  assert.deepEqual([first.result, second.result], ["applied", "applied"], first.message + second.message);
  const uid = await uidOf(world);
  assert.notEqual(uid, undefined);
  return { one, a, b, uid };
}

async function uidOf({ hand, namespace }: ReconcileWorld): Promise<string | undefined> {
  const live = await hand.get(TYPES.claims, "disk", namespace);
  return live?.metadata.deletionTimestamp === undefined ? live?.metadata.uid : undefined;
}
