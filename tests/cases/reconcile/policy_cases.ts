import assert from "node:assert/strict";
import type { ReconcileCase } from "./reconcile_case.ts";
import { configMap, container, job, statefulSet, TYPES, yamlOf } from "./samples.ts";
import { bundleOf, CONFIG_MAP, configMapYaml } from "./world.ts";

const [OLD, NEW] = ["registry.example/app:1", "registry.example/app:2"];

/** How a tool marks what it has. */
interface Marked {
  readonly tool: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const MARKED: readonly Marked[] = [
  {
    tool: 'the Helm release "shop"',
    labels: { "app.kubernetes.io/managed-by": "Helm" },
    annotations: { "meta.helm.sh/release-name": "shop" },
  },
  {
    tool: 'the ApplySet "applyset-x-v1" of another tool',
    labels: { "applyset.kubernetes.io/part-of": "applyset-x-v1" },
    annotations: {},
  },
];

interface Workload {
  readonly replicas: number;
  readonly template: { readonly spec: { readonly containers: readonly { readonly env: unknown }[] } };
}

/** What a manifest says of how it is to be treated. */
export const policyCases: readonly ReconcileCase[] = [
  {
    name: "a changed Job is refused in one line that names the field; with the policy it is made anew, once",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      await one.reconcile(stack, bundleOf(configMapYaml("beside", "1"), yamlOf(job(OLD))));
      const before = await hand.get(TYPES.jobs, "migrate", namespace);
      const changed = bundleOf(configMapYaml("beside", "2"), yamlOf(job(NEW), { replace: "immutable" }));

      const refused = await one.reconcile(stack, bundleOf(configMapYaml("beside", "2"), yamlOf(job(NEW))));
      const replaced = await one.reconcile(stack, changed);
      const again = await one.reconcile(stack, changed);

      assert.equal(refused.reason, "refused", refused.message);
      assert.match(refused.message, /Job "migrate" .*spec\.template: .*field is immutable/);
      assert.deepEqual([refused.message.split("\n").length, refused.message.length < 400], [2, true], refused.message);
      const actions = replaced.results.map(({ name, action }) => [name, action]);
      assert.deepEqual(actions, [["beside", "configured"], ["migrate", "replaced"]], replaced.message);
      assert.equal(again.result, "unchanged", again.message);
      const after = await hand.get(TYPES.jobs, "migrate", namespace);
      assert.notEqual(after?.metadata.uid, before?.metadata.uid);
      assert.match(JSON.stringify(after?.spec), /app:2/);
    },
  },
  {
    name: "nothing is made anew where only the kept snapshot is known",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      await one.reconcile(stack, yamlOf(job(OLD), { replace: "immutable" }));
      const before = await hand.get(TYPES.jobs, "migrate", namespace);

      const outcome = await one.reconcile(stack, yamlOf(job(NEW), { replace: "immutable" }), { mayReplace: false });

      assert.equal(outcome.reason, "refused", outcome.message);
      assert.equal((await hand.get(TYPES.jobs, "migrate", namespace))?.metadata.uid, before?.metadata.uid);
    },
  },
  {
    name: "a Job to be applied once is not run again when it is gone, but for another manifest",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const bundle = yamlOf(job(OLD), { apply: "once" });
      await one.reconcile(stack, bundle);
      await hand.remove(TYPES.jobs, { name: "migrate", namespace });

      const left = await one.reconcile(stack, bundle, { compareAll: true });
      const gone = await hand.get(TYPES.jobs, "migrate", namespace);
      const next = await one.reconcile(stack, yamlOf(job(NEW), { apply: "once" }));

      assert.equal(left.result, "unchanged", left.message);
      assert.equal(gone, undefined);
      assert.deepEqual(next.results.map(({ action }) => action), ["created"], next.message);
    },
  },
  {
    name: "what is only made where it is absent is never changed, and made again when it is gone",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const bundle = (value: string) => yamlOf(configMap("a", { value }), { apply: "if-absent" });
      await one.reconcile(stack, bundle("1"));

      const left = await one.reconcile(stack, bundle("2"));
      const kept = await hand.get(CONFIG_MAP, "a", namespace);
      await hand.remove(CONFIG_MAP, { name: "a", namespace });
      const made = await one.reconcile(stack, bundle("2"));

      assert.equal(left.result, "unchanged", left.message);
      assert.deepEqual(kept?.data, { value: "1" });
      assert.deepEqual(made.results.map(({ action }) => action), ["created"], made.message);
    },
  },
  {
    name: "what is never pruned stays without our marks, is named, and no record has it any more",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const kept = yamlOf(configMap("kept", { value: "1" }), { prune: "disabled" });
      await one.reconcile(stack, bundleOf(configMapYaml("a", "1"), kept));

      const removed = await one.remove(stack);

      const actions = removed.results.map(({ name, action }) => [name, action]).sort();
      assert.deepEqual([removed.result, actions], ["applied", [["a", "deleted"], ["kept", "kept"]]], removed.message);
      assert.match(removed.message, /ConfigMap "kept" .*is kept: brokkr\.io\/prune is disabled/);
      const { labels = {}, annotations } = (await hand.get(CONFIG_MAP, "kept", namespace))?.metadata ?? {};
      assert.deepEqual([labels, annotations], [{}, { "brokkr.io/prune": "disabled" }]);
    },
  },
  {
    name: "a field left to an autoscaler is set when the object is made, and stays its own from then on",
    async run({ agent, newStack, as, hand, namespace }) {
      const [one, stack, scaler] = [await agent(), newStack(), await as("some-scaler")];
      const manifest = (image: string) => statefulSet({ containers: [container("a", { image })] }, { replicas: 2 });
      const bundle = (image: string) => yamlOf(manifest(image), { ignore: "/spec/replicas" });
      await one.reconcile(stack, bundle(OLD));
      const made = await hand.get(TYPES.statefulSets, "db", namespace);
      await scaler.patch(TYPES.statefulSets, { name: "db", namespace }, { spec: { replicas: 5 } });

      const first = await one.reconcile(stack, bundle(OLD));
      const changed = await one.reconcile(stack, bundle(NEW));

      assert.equal((made?.spec as { replicas: number }).replicas, 2);
      assert.equal(first.results[0]?.fields, undefined);
      assert.deepEqual(changed.results[0]?.fields, ['spec.template.spec.containers[name="a"].image'], changed.message);
      const live = await hand.get(TYPES.statefulSets, "db", namespace);
      assert.equal((live?.spec as { replicas: number }).replicas, 5);
    },
  },
  {
    name: "a field left to others stays as a person made it, which is no drift; what else that person did goes",
    async run({ agent, newStack, as, hand, namespace }) {
      const [one, stack, person] = [await agent(), newStack(), await as("kubectl-patch")];
      const env = (value: string, ...more: readonly unknown[]) =>
        [container("a", { env: [{ name: "LEVEL", value }, ...more] })] as const;
      const bundle = yamlOf(statefulSet({ containers: env("info") }, { replicas: 2 }), {
        ignore: "/spec/replicas, /spec/template/spec/containers/0/env/0",
      });
      await one.reconcile(stack, bundle);
      const patch = (containers: readonly unknown[]) =>
        person.patch(TYPES.statefulSets, { name: "db", namespace }, {
          spec: { replicas: 5, template: { spec: { containers } } },
        });
      await patch(env("debug"));

      const left = await one.reconcile(stack, bundle);
      const settled = await one.reconcile(stack, bundle, { compareAll: true });
      await patch(env("debug", { name: "MORE", value: "x" }));
      const repaired = await one.reconcile(stack, bundle);
      const again = await one.reconcile(stack, bundle, { compareAll: true });

      assert.equal(left.results[0]?.fields, undefined, "what we owned by making it is given up, and no field differs");
      assert.deepEqual([settled.result, again.result], ["unchanged", "unchanged"], settled.message);
      assert.deepEqual(repaired.results[0]?.fields, ['spec.template.spec.containers[name="a"].env[name="MORE"]']);
      const live = (await hand.get(TYPES.statefulSets, "db", namespace))?.spec as Workload;
      assert.deepEqual([live.replicas, live.template.spec.containers[0]?.env], [5, [{
        name: "LEVEL",
        value: "debug",
      }]]);
    },
  },
  {
    name: "a field that another manager owns is a refusal with its name where force is disabled",
    async run({ agent, newStack, as, hand, namespace }) {
      const [one, stack, program] = [await agent(), newStack(), await as("some-operator")];
      const bundle = (value: string) => yamlOf(configMap("a", { value }), { force: "disabled" });
      await one.reconcile(stack, bundle("1"));
      await program.patch(CONFIG_MAP, { name: "a", namespace }, { data: { value: "theirs" } });

      const refused = await one.reconcile(stack, bundle("1"));

      assert.equal(refused.reason, "refused", refused.message);
      assert.match(refused.message, /some-operator/);
      assert.deepEqual((await hand.get(CONFIG_MAP, "a", namespace))?.data, { value: "theirs" });
    },
  },
  ...MARKED.map(({ tool, labels, annotations }): ReconcileCase => ({
    name: `what ${tool} has is refused with that name; owned on purpose it is taken, and deleted at the end`,
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const metadata = { name: "old", namespace, labels, annotations };
      await hand.create(CONFIG_MAP, { ...configMap("old", {}), metadata });

      const refused = await one.reconcile(stack, configMapYaml("old", "1"));
      const taken = await one.reconcile(stack, yamlOf(configMap("old", { value: "1" }), { adopt: "own" }));
      const removed = await one.remove(stack);

      assert.equal(refused.reason, "refused", refused.message);
      assert.ok(refused.message.includes(`it belongs to ${tool}`), refused.message);
      assert.equal(taken.result, "applied", taken.message);
      assert.deepEqual(removed.results.map(({ action }) => action), ["deleted"], removed.message);
      assert.equal(await hand.get(CONFIG_MAP, "old", namespace), undefined);
    },
  })),
];
