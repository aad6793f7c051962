import assert from "node:assert/strict";
import type { ApiResource, KubernetesObject } from "$lib/kubernetes.ts";
import type { ReconcileCase } from "./reconcile_case.ts";
import { configMap, container, statefulSet, TYPES, yamlOf } from "./samples.ts";
import { CONFIG_MAP, configMapYaml, type ReconcileWorld, type TestAgent } from "./world.ts";

const SECRET: ApiResource = { apiVersion: "v1", kind: "Secret", resource: "secrets", namespaced: true, verbs: [] };
const PRIORITY_CLASS: ApiResource = {
  ...{ apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", resource: "priorityclasses" },
  ...{ namespaced: false, verbs: [] },
};
const MANIFEST = statefulSet({ containers: [container("a", { env: [{ name: "X", value: "1" }] })] });
const BUNDLE = yamlOf(MANIFEST);
const HOLD = "example.com/hold";

/** What people, former tools and other programs do to what was applied. */
export const byHandCases: readonly ReconcileCase[] = [
  ...([
    [
      "kubectl-set",
      "a variable",
      [container("a", { env: [{ name: "X", value: "1" }, { name: "Y", value: "2" }] })],
      '.env[name="Y"]',
    ],
    [
      "kubectl-rollout",
      "a variable",
      [container("a", { env: [{ name: "X", value: "1" }, { name: "Y" }] })],
      '.env[name="Y"]',
    ],
    ["kubectl-patch", "a container", [container("a", { env: [{ name: "X", value: "1" }] }), container("b")], ""],
    ["kubectl-edit", "another value", [container("a", { env: [{ name: "X", value: "3" }] })], '.env[name="X"].value'],
  ] as const).map(([manager, what, containers, path]): ReconcileCase => ({
    name: `${what} that ${manager} put into a workload is taken back, as often as it comes, and is drift`,
    async run(world) {
      const { one, stack, before } = await withWorkload(world);

      for (let times = 0; times < 4; times += 1) {
        await patchPod(world, manager, { containers });
        const outcome = await one.reconcile(stack, BUNDLE);
        assert.deepEqual([outcome.results[0]?.action, outcome.driftRepaired], ["configured", 1], outcome.message);
        const item = path === "" ? "b" : "a";
        assert.deepEqual(outcome.results[0]?.fields, [`spec.template.spec.containers[name="${item}"]${path}`]);
        assert.deepEqual(outcome.yielded ?? [], []);
      }

      assert.deepEqual((await workload(world))?.spec, before?.spec);
      assert.equal((await one.reconcile(stack, BUNDLE)).result, "unchanged");
    },
  })),
  {
    name: "the host's network that a person gave a workload is taken back, and named",
    async run(world) {
      const { one, stack, before } = await withWorkload(world);
      await patchPod(world, "kubectl-patch", { hostNetwork: true });

      const outcome = await one.reconcile(stack, BUNDLE);

      assert.deepEqual(outcome.results[0]?.fields, ["spec.template.spec.hostNetwork"], outcome.message);
      assert.deepEqual((await workload(world))?.spec, before?.spec);
    },
  },
  {
    name: "a finalizer that a person put goes, one of the manifest's that a person took comes back, a program's stays",
    async run(world) {
      const { hand, as, namespace } = world;
      const [person, program] = [await as("kubectl-patch"), await as("some-operator")];
      const bundle = yamlOf({ ...MANIFEST, metadata: { ...MANIFEST.metadata, finalizers: [HOLD] } });
      const { one, stack } = await withWorkload(world, bundle);
      const found: unknown[] = [];
      const look = async () => {
        const { driftRepaired, results: [result] } = await one.reconcile(stack, bundle);
        found.push([driftRepaired, result?.fields, (await workload(world))?.metadata.finalizers]);
      };
      const place = { name: MANIFEST.metadata.name, namespace };

      await person.patch(TYPES.statefulSets, place, { metadata: { finalizers: [HOLD, "example.com/by-hand"] } });
      await look();
      await person.patch(TYPES.statefulSets, place, { metadata: { finalizers: null } });
      await look();
      await program.patch(TYPES.statefulSets, place, { metadata: { finalizers: [HOLD, "example.com/its-own"] } });
      await look();

      assert.deepEqual(found, [
        [1, ['metadata.finalizers[="example.com/by-hand"]'], [HOLD]],
        [1, ["metadata.finalizers"], [HOLD]],
        [0, undefined, [HOLD, "example.com/its-own"]],
      ]);
      await hand.patch(TYPES.statefulSets, place, { metadata: { finalizers: null } });
    },
  },
  {
    name: "what a person made of a PriorityClass, whose generation never grows, is put right",
    async run({ agent, newStack, as, hand, namespace }) {
      const [one, stack, person] = [await agent(), newStack(), await as("kubectl-edit")];
      const metadata = { name: `class-${namespace}` };
      const bundle = yamlOf(
        {
          apiVersion: "scheduling.k8s.io/v1",
          kind: "PriorityClass",
          metadata,
          value: 5,
          description: "ours",
        } as KubernetesObject,
      );
      await one.reconcile(stack, bundle);
      one.counts();
      await one.reconcile(stack, bundle);
      const tries = one.counts()["dry_run success"];
      await person.patch(PRIORITY_CLASS, metadata, { description: "by hand" });

      const outcome = await one.reconcile(stack, bundle);

      assert.deepEqual([tries, outcome.driftRepaired], [undefined, 1]);
      assert.deepEqual(outcome.results.map(({ fields }) => fields), [["description"]]);
      assert.equal((await hand.get(PRIORITY_CLASS, metadata.name) as { description?: string })?.description, "ours");
      await one.remove(stack);
    },
  },
  {
    name: "what a person made of a Secret's data is put right, whatever of it came as text, and named without a value",
    async run({ agent, newStack, as, hand, namespace }) {
      const [one, stack, person] = [await agent(), newStack(), await as("kubectl-edit")];
      const bundle = "apiVersion: v1\nkind: Secret\nmetadata: { name: s }\ndata: { a: YQ== }\nstringData: { b: b }\n";
      await one.reconcile(stack, bundle);
      const data = { a: btoa("hush"), b: btoa("hush"), c: btoa("hush") };
      await person.patch(SECRET, { name: "s", namespace }, { data });

      const outcome = await one.reconcile(stack, bundle);

      assert.deepEqual(outcome.results[0]?.fields?.toSorted(), ["data.a", "data.b", "data.c"], outcome.message);
      assert.doesNotMatch(JSON.stringify(outcome), /hush|aHVzaA/);
      const live = await hand.get(SECRET, "s", namespace) as unknown as { data: unknown };
      assert.deepEqual(live.data, { a: "YQ==", b: "Yg==" });
      assert.equal((await one.reconcile(stack, bundle)).result, "unchanged");
    },
  },
  {
    name: "what an object became by kubectl replace, our marks gone, is put right whole, and it is deleted at the end",
    async run({ agent, newStack, as, hand, namespace }) {
      const [one, stack, person] = [await agent(), newStack(), await as("kubectl-replace")];
      await one.reconcile(stack, configMapYaml("a", "1"));
      const before = await hand.get(CONFIG_MAP, "a", namespace);
      const none = { labels: null, annotations: null };
      await person.patch(CONFIG_MAP, { name: "a", namespace }, { metadata: none, data: { value: "2", more: "x" } });

      const outcome = await one.reconcile(stack, configMapYaml("a", "1"));
      const after = await hand.get(CONFIG_MAP, "a", namespace);
      const removed = await one.remove(stack);

      assert.deepEqual(outcome.results[0]?.fields?.toSorted(), ["data.more", "data.value"], outcome.message);
      assert.deepEqual([after?.data, after?.metadata.uid], [{ value: "1" }, before?.metadata.uid]);
      assert.deepEqual(after?.metadata.annotations, before?.metadata.annotations);
      assert.deepEqual(removed.results.map(({ action }) => action), ["deleted"], removed.message);
    },
  },
  {
    name: "an object that was there before us stays so when somebody takes our mark of that away",
    async run({ agent, newStack, as, hand, namespace }) {
      const [one, stack, person] = [await agent(), newStack(), await as("kubectl-annotate")];
      const old = configMap("old", { value: "1" });
      await person.create(CONFIG_MAP, { ...old, metadata: { name: "old", namespace } });
      await one.reconcile(stack, configMapYaml("old", "1"));
      const annotations = { "brokkr.io/adopted": null };
      await person.patch(CONFIG_MAP, { name: "old", namespace }, { metadata: { annotations } });

      const outcome = await one.reconcile(stack, configMapYaml("old", "1"));
      const removed = await one.remove(stack);

      assert.deepEqual(outcome.results.map(({ action }) => action), ["configured"], outcome.message);
      assert.deepEqual(removed.results.map(({ action }) => action), ["configured"], removed.message);
      assert.notEqual(await hand.get(CONFIG_MAP, "old", namespace), undefined);
    },
  },
  {
    name: "what a person put is taken back, where the API server takes only one of both",
    skipOn: { simulated: "it takes a variable with a value and a source" },
    async run(world) {
      const { one, stack, before } = await withWorkload(world);
      const valueFrom = { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } };
      await patchPod(world, "kubectl-edit", { containers: [container("a", { env: [{ name: "X", valueFrom }] })] });

      const outcome = await one.reconcile(stack, BUNDLE);

      assert.equal(outcome.results[0]?.action, "configured", outcome.message);
      assert.deepEqual((await workload(world))?.spec, before?.spec);
    },
  },
  {
    name: "a key dropped from the manifest of an object that was there before goes, and others' keys stay",
    async run({ agent, newStack, as, hand, namespace }) {
      const [one, stack, person] = [await agent(), newStack(), await as("kubectl-client-side-apply")];
      const old = configMap("old", { key: "v", legacy: "unused", theirs: "x" });
      await person.create(CONFIG_MAP, { ...old, metadata: { name: "old", namespace } });
      await one.reconcile(stack, yamlOf(configMap("old", { key: "v", legacy: "unused" })));

      const outcome = await one.reconcile(stack, yamlOf(configMap("old", { key: "v" })));

      assert.deepEqual(outcome.results[0]?.fields, ["data.legacy"], outcome.message);
      assert.deepEqual((await hand.get(CONFIG_MAP, "old", namespace))?.data, { key: "v", theirs: "x" });
    },
  },
  {
    name: "what a former tool set beside the manifest goes once its name is known",
    async run({ agent, newStack, as, hand, namespace }) {
      const [one, stack, tool] = [await agent({ formerManagers: ["old-tool"] }), newStack(), await as("old-tool")];
      await one.reconcile(stack, configMapYaml("a", "1"));
      await tool.patch(CONFIG_MAP, { name: "a", namespace }, { data: { more: "x" } });

      const outcome = await one.reconcile(stack, configMapYaml("a", "1"));

      assert.equal(outcome.results[0]?.action, "configured", outcome.message);
      assert.deepEqual((await hand.get(CONFIG_MAP, "a", namespace))?.data, { value: "1" });
    },
  },
  {
    name: "a field that another program takes back three times is left to it and named, until the manifest changes",
    async run({ agent, newStack, as, hand, namespace }) {
      const [one, stack, program] = [await agent(), newStack(), await as("some-operator")];
      await one.reconcile(stack, configMapYaml("a", "1"));
      const outcomes = [];
      for (let times = 0; times < 4; times += 1) {
        await program.patch(CONFIG_MAP, { name: "a", namespace }, { data: { value: `its ${times}` } });
        outcomes.push(await one.reconcile(stack, configMapYaml("a", "1")));
      }
      using fresh = await one.restarted();

      const kept = await fresh.reconcile(stack, configMapYaml("a", "1"), { compareAll: true });
      const theirs = await hand.get(CONFIG_MAP, "a", namespace);
      await fresh.reconcile(stack, configMapYaml("a", "2"));

      const yielded = [{ kind: "ConfigMap", namespace, name: "a", path: "/data/value", manager: "some-operator" }];
      assert.deepEqual(outcomes.map(({ yielded = [] }) => yielded.length), [0, 0, 1, 1]);
      assert.deepEqual([outcomes[3]?.result, outcomes[3]?.yielded], ["unchanged", yielded]);
      assert.deepEqual([kept.result, kept.yielded, theirs?.data], ["unchanged", yielded, { value: "its 3" }]);
      assert.deepEqual((await hand.get(CONFIG_MAP, "a", namespace))?.data, { value: "2" });
    },
  },
  {
    name: "a field that another program set, and that a refused stage left so, was not taken back",
    async run({ agent, newStack, as, hand, namespace }) {
      const [one, stack, program] = [await agent(), newStack(), await as("some-operator")];
      await one.reconcile(stack, configMapYaml("a", "1"));
      await program.patch(CONFIG_MAP, { name: "a", namespace }, { data: { value: "its own" } });
      const lost = { ...configMap("b", {}), metadata: { name: "b", namespace: "there-is-none" } };
      const refused = [];
      for (let times = 0; times < 2; times += 1) {
        refused.push(await one.reconcile(stack, `${configMapYaml("a", "1")}---\n${yamlOf(lost)}`));
      }

      const outcome = await one.reconcile(stack, configMapYaml("a", "1"));

      assert.deepEqual(refused.map(({ reason }) => reason), ["refused", "refused"]);
      assert.deepEqual([outcome.results[0]?.action, outcome.yielded], ["configured", []], outcome.message);
      assert.deepEqual((await hand.get(CONFIG_MAP, "a", namespace))?.data, { value: "1" });
    },
  },
  {
    name: "differences are told and not put right where the stack says so, until another deployment object comes",
    async run({ agent, newStack, as, hand, namespace }) {
      const [one, stack, person] = [await agent(), newStack(), await as("kubectl-edit")];
      await one.reconcile(stack, configMapYaml("a", "1"));
      await person.patch(CONFIG_MAP, { name: "a", namespace }, { data: { value: "2", more: "x" } });
      one.counts();

      const reported = await one.reconcile(stack, configMapYaml("a", "1"), { drift: "report" });
      const counts = one.counts();
      const kept = await hand.get(CONFIG_MAP, "a", namespace);
      const later = await one.reconcile(stack, configMapYaml("a", "1"), { drift: "report", objectId: "resubmitted" });

      assert.deepEqual(reported.results.map(({ action, fields }) => [action, fields]), [["unchanged", [
        "data.value",
        "data.more",
      ]]]);
      assert.match(reported.message, /1 object differs from what was applied/);
      assert.deepEqual([counts["apply success"], counts["patch success"]], [undefined, undefined]);
      assert.deepEqual(kept?.data, { value: "2", more: "x" });
      assert.equal(later.results[0]?.action, "configured", later.message);
    },
  },
  {
    name: "nothing is compared between deployment objects where the stack says so, and another one is brought whole",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      await one.reconcile(stack, yamlOf(configMap("a", { value: "1" })) + `---\n${configMapYaml("b", "1")}`);
      await hand.patch(CONFIG_MAP, { name: "a", namespace }, { data: { value: "2" } });
      one.counts();
      const bundle = yamlOf(configMap("a", { value: "1" })) + `---\n${configMapYaml("b", "1")}`;

      const off = await one.reconcile(stack, bundle, { drift: "off", isPlanned: false });
      const counts = one.counts();
      const next = await one.reconcile(stack, configMapYaml("a", "1"), { drift: "off" });

      assert.deepEqual([off.result, counts], ["unchanged", {}]);
      assert.deepEqual(off.results.map(({ name, action }) => [name, action]), [["a", "unchanged"], ["b", "unchanged"]]);
      assert.deepEqual(next.results.map(({ name, action }) => [name, action]), [["a", "configured"], ["b", "deleted"]]);
      assert.deepEqual((await hand.get(CONFIG_MAP, "a", namespace))?.data, { value: "1" });
    },
  },
  {
    name: "another default namespace is brought whole, too, where nothing is compared: what names none moves, once",
    async run({ agent, newStack, hand, namespace, inventory }) {
      const [one, stack] = [await agent(), newStack()];
      const bundle = configMapYaml("a", "1");
      const turn = (of: TestAgent, defaultNamespace?: string) =>
        of.reconcile(stack, bundle, { drift: "off", isPlanned: false, defaultNamespace });
      await turn(one);

      const moved = await turn(one, inventory);
      using restarted = await one.restarted();
      restarted.counts();
      const again = await turn(restarted, inventory);
      const back = await turn(restarted);

      assert.deepEqual(moved.results.map(({ action }) => action), ["created", "deleted"], moved.message);
      assert.deepEqual([again.result, back.result], ["unchanged", "applied"], back.message);
      assert.notEqual(await hand.get(CONFIG_MAP, "a", namespace), undefined);
      assert.equal(await hand.get(CONFIG_MAP, "a", inventory), undefined);
    },
  },
];

async function withWorkload(world: ReconcileWorld, bundle = BUNDLE) {
  const [one, stack] = [await world.agent(), world.newStack()];
  const { result, message } = await one.reconcile(stack, bundle);
  assert.equal(result, "applied", message);
  return { one, stack, before: await workload(world) };
}

function workload({ hand, namespace }: ReconcileWorld) {
  return hand.get(TYPES.statefulSets, "db", namespace);
}

async function patchPod({ as, namespace }: ReconcileWorld, manager: string, spec: unknown): Promise<void> {
  const person = await as(manager);
  await person.patch(TYPES.statefulSets, { name: "db", namespace }, { spec: { template: { spec } } });
}
