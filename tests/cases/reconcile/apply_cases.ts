import assert from "node:assert/strict";
import { waitFor } from "../../run/wait.ts";
import type { ReconcileCase } from "./reconcile_case.ts";
import { bundleOf, CONFIG_MAP, configMapYaml, DEPLOYMENT, nameOf, STATEFUL_SET } from "./world.ts";

const DEPLOYMENT_YAML = `apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web } }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec: { containers: [{ name: web, image: registry.example/web:1 }] }
`;

const STATEFUL_SET_YAML = DEPLOYMENT_YAML.replace("kind: Deployment", "kind: StatefulSet").replace(
  "name: web,",
  "name: db,",
);

/** Applying: what is written, and when nothing is. */
export const applyCases: readonly ReconcileCase[] = [
  {
    name: "a bundle applied twice is created, then unchanged without a write and without a dry run",
    async run({ agent, newStack, hand, namespace }) {
      const one = await agent();
      const stack = newStack();
      const bundle = bundleOf(configMapYaml("a", "1"), configMapYaml("b", "1"));

      const first = await one.reconcile(stack, bundle);
      const before = await hand.get(CONFIG_MAP, "a", namespace);
      one.counts();
      const second = await one.reconcile(stack, bundle);

      assert.deepEqual([first.result, second.result], ["applied", "unchanged"], first.message);
      assert.deepEqual(first.results.map(({ action }) => action), ["created", "created"]);
      assert.deepEqual(second.results.map(({ action }) => action), ["unchanged", "unchanged"]);
      assert.deepEqual(one.counts(), { "list success": 2 }); // parents, then members
      const after = await hand.get(CONFIG_MAP, "a", namespace);
      assert.equal(after?.metadata.resourceVersion, before?.metadata.resourceVersion);
      assert.equal(one.objectsOf(stack), 2);
    },
  },
  {
    name: "after a restart the record shows everything unchanged: nothing is written, and nothing tried",
    async run({ agent, newStack }) {
      const one = await agent();
      const stack = newStack();
      const bundle = bundleOf(configMapYaml("a", "1"), DEPLOYMENT_YAML);
      await one.reconcile(stack, bundle);
      const two = await one.restarted();

      const outcome = await two.reconcile(stack, bundle);

      assert.equal(outcome.result, "unchanged", outcome.message);
      const counts = two.counts();
      // Parents, a record, members; two versions of the API.
      assert.deepEqual(counts, { "list success": 3, "get success": 3 });
      two[Symbol.dispose]();
    },
  },
  {
    name: "what a stack has is listed while its next bundle is still on its way",
    async run({ agent, newStack }) {
      const one = await agent();
      const stack = newStack();
      await one.reconcile(stack, configMapYaml("a", "1"));
      one.counts();
      const asked: Record<string, number>[] = [];
      const bundle = configMapYaml("a", "2");
      const load = () =>
        waitFor(() => {
          asked.push(one.counts());
          return Promise.resolve(asked.some((counts) => "list success" in counts) ? bundle : undefined);
        }, { what: "see a list" });

      const outcome = await one.reconcile(stack, bundle, { load, isPlanned: false });

      assert.equal(outcome.result, "applied", outcome.message);
      assert.deepEqual(asked.at(-1), { "list success": 1 });
    },
  },
  {
    name: "a label that another program adds is asked about once, and stays",
    async run({ agent, newStack, hand, namespace }) {
      const one = await agent();
      const stack = newStack();
      await one.reconcile(stack, STATEFUL_SET_YAML);
      await hand.patch(STATEFUL_SET, { name: "db", namespace }, { metadata: { labels: { "by-hand": "yes" } } });
      one.counts();

      const outcome = await one.reconcile(stack, STATEFUL_SET_YAML);

      assert.equal(outcome.result, "unchanged");
      assert.equal(one.counts()["dry_run success"], 1);
      await one.reconcile(stack, STATEFUL_SET_YAML);
      assert.equal(one.counts()["dry_run success"], undefined);
    },
  },
  {
    name: "a field changed and an object deleted by hand are put right, and counted as drift",
    async run({ agent, newStack, hand, namespace }) {
      const one = await agent();
      const stack = newStack();
      const bundle = bundleOf(configMapYaml("a", "1"), configMapYaml("b", "1"), configMapYaml("c", "1"));
      await one.reconcile(stack, bundle);
      await hand.patch(CONFIG_MAP, { name: "a", namespace }, { data: { value: "2" } });
      await hand.remove(CONFIG_MAP, { name: "b", namespace });

      const outcome = await one.reconcile(stack, bundle);

      const actions = Object.fromEntries(outcome.results.map(({ name, action }) => [name, action]));
      assert.deepEqual(actions, { a: "configured", b: "created", c: "unchanged" });
      assert.equal(outcome.driftRepaired, 2);
      assert.deepEqual((await hand.get(CONFIG_MAP, "a", namespace))?.data, { value: "1" });
    },
  },
  {
    name: "drift of before a restart is found by the dry run",
    async run({ agent, newStack, hand, namespace }) {
      const one = await agent();
      const stack = newStack();
      const bundle = bundleOf(configMapYaml("a", "1"), DEPLOYMENT_YAML);
      await one.reconcile(stack, bundle);
      await hand.patch(DEPLOYMENT, { name: "web", namespace }, { metadata: { labels: { app: "other" } } });
      const two = await one.restarted();

      const outcome = await two.reconcile(stack, bundle);

      assert.equal(outcome.driftRepaired, 1, outcome.message);
      assert.equal((await hand.get(DEPLOYMENT, "web", namespace))?.metadata.labels?.app, "web");
      two[Symbol.dispose]();
    },
  },
  {
    name: "a submission of the same content as before puts right what differs, and is not drift",
    async run({ agent, newStack, hand, namespace }) {
      const one = await agent();
      const stack = newStack();
      const bundle = configMapYaml("a", "1");
      await one.reconcile(stack, bundle);
      await hand.patch(CONFIG_MAP, { name: "a", namespace }, { data: { value: "2" } });

      const outcome = await one.reconcile(stack, bundle, { objectId: "resubmitted" });

      assert.deepEqual([outcome.results.map(({ action }) => action), outcome.driftRepaired], [["configured"], 0]);
    },
  },
  {
    name: "a new submission changes what differs, and is not drift",
    async run({ agent, newStack }) {
      const one = await agent();
      const stack = newStack();
      await one.reconcile(stack, bundleOf(configMapYaml("a", "1"), configMapYaml("b", "1")));

      const outcome = await one.reconcile(stack, bundleOf(configMapYaml("a", "2"), configMapYaml("b", "1")));

      const actions = Object.fromEntries(outcome.results.map(({ name, action }) => [name, action]));
      assert.deepEqual(actions, { a: "configured", b: "unchanged" });
      assert.equal(outcome.driftRepaired, 0);
    },
  },
  {
    name: "a namespace and what lives in it come in one bundle, whatever its order",
    async run({ agent, newStack, hand, namespace }) {
      const name = `${namespace}-new`;
      const yaml = `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${name} }\n`;

      const outcome = await (await agent()).reconcile(
        newStack(),
        bundleOf(configMapYaml("a", "1", { namespace: name }), yaml),
      );

      assert.equal(outcome.result, "applied", outcome.message);
      assert.deepEqual((await hand.get(CONFIG_MAP, "a", name))?.data, { value: "1" });
    },
  },
  {
    name: "a definition and an object of its type come in one bundle, are unchanged afterwards, and go together",
    async run({ agent, newStack, namespace }) {
      const one = await agent();
      const stack = newStack();
      const bundle = customBundle(namespace.replace("case-", "g"));

      const first = await one.reconcile(stack, bundle);
      const second = await one.reconcile(stack, bundle);
      const removed = await one.remove(stack);

      assert.equal(first.result, "applied", first.message);
      assert.equal(second.result, "unchanged", second.message);
      assert.equal(removed.result, "applied", removed.message);
      assert.equal(removed.results.filter(({ action }) => action === "deleted").length, 2);
    },
  },
  {
    name: "a definition that learns a field and an object that uses it come in one bundle",
    async run({ agent, newStack, namespace }) {
      const one = await agent();
      const stack = newStack();
      const group = namespace.replace("case-", "g");
      await one.reconcile(stack, customBundle(group));

      const learned = await one.reconcile(stack, customBundle(group, { hasColor: true }));
      const again = await one.reconcile(stack, customBundle(group, { hasColor: true }));

      assert.equal(learned.result, "applied", learned.message);
      assert.deepEqual(learned.results.map(({ action }) => action), ["configured", "configured"]);
      assert.equal(again.result, "unchanged", again.message);
    },
  },
  {
    name: "an object of a type that the bundle changes is left, too, to another stack that wants it",
    async run({ agent, newStack, namespace }) {
      const one = await agent();
      const [stack, theirs] = [newStack(), newStack()];
      const group = namespace.replace("case-", "g");
      const [widget = "", definition = ""] = customBundle(group).split("---\n");
      await one.reconcile(stack, definition);
      await one.reconcile(theirs, widget);

      const outcome = await one.reconcile(stack, customBundle(group, { hasColor: true }));

      assert.equal(outcome.reason, "wanted_elsewhere");
      assert.match(outcome.message, new RegExp(`Widget "one".*stack "${nameOf(theirs)}" has it`));
    },
  },
  {
    name: "a pod and the priority that it asks for come in one bundle",
    async run({ agent, newStack, namespace }) {
      const name = `${namespace}-first`;
      const priority = `apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: { name: ${name} }\nvalue: 7\n`;
      const pod = `apiVersion: v1
kind: Pod
metadata: { name: urgent }
spec: { priorityClassName: ${name}, containers: [{ name: web, image: registry.example/web:1 }] }
`;

      const [one, stack] = [await agent(), newStack()];

      // An API server's admission hears of a new class a little later than who made it. What is refused stays refused.
      await waitFor(async () => {
        const { result, message } = await one.reconcile(stack, bundleOf(pod, priority));
        assert.equal(result, "applied", message);
        return true;
      }, { what: "apply both" });
    },
  },
  {
    name: "a value that can't be read as its type refuses the whole bundle, whether its object is there or not",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const secret = (value: string) =>
        `apiVersion: v1\nkind: Secret\nmetadata: { name: s }\ndata: { a: "${value}" }\n`;
      const wrong = bundleOf(configMapYaml("a", "2"), secret("not base64!"));

      const made = await one.reconcile(stack, wrong);
      const there = [await hand.get(CONFIG_MAP, "a", namespace)];
      await one.reconcile(stack, bundleOf(configMapYaml("a", "1"), secret("eA==")));
      const changed = await one.reconcile(stack, wrong);
      there.push(await hand.get(CONFIG_MAP, "a", namespace));

      for (const { result, reason, results, message } of [made, changed]) {
        assert.deepEqual([result, reason, results.map(({ name }) => name)], ["failed", "refused", ["s"]], message);
        assert.match(message, /: data\.a: illegal base64 data at input byte \d$/);
      }
      assert.deepEqual(there.map((one) => one?.data), [undefined, { value: "1" }]);
    },
  },
  {
    name: "a bundle with refusals is refused whole, all of them named",
    async run({ agent, newStack, hand, namespace }) {
      const bad = "apiVersion: v1\nkind: Service\nmetadata: { name: bad }\nspec: { ports: [{ port: 99999999 }] }\n";
      const unknown = "apiVersion: nowhere.example/v1\nkind: Nothing\nmetadata: { name: none }\n";

      const outcome = await (await agent()).reconcile(newStack(), bundleOf(configMapYaml("a", "1"), bad, unknown));

      assert.deepEqual([outcome.result, outcome.reason], ["failed", "refused"]);
      assert.deepEqual(outcome.results.map(({ name }) => name).sort(), ["bad", "none"]);
      assert.match(
        outcome.message,
        /Service "bad" in namespace "[^"]+": document 2, line \d+: Service "bad" is invalid/,
      );
      assert.match(outcome.message, /document 3, line \d+: there is no kind "Nothing" in "nowhere\.example\/v1"/);
      assert.equal(await hand.get(CONFIG_MAP, "a", namespace), undefined);
    },
  },
  {
    name: "a bundle that cannot be parsed, or brings a set's label, names every fault with its document",
    async run({ agent, newStack }) {
      const labelled = configMapYaml("a", "1").replace(
        "name: a",
        "name: a, labels: { applyset.kubernetes.io/id: x }",
      );

      const one = await agent();
      const broken = await one.reconcile(newStack(), bundleOf("kind: ConfigMap\n", "apiVersion: v1\n"));
      const own = await one.reconcile(newStack(), labelled);

      assert.equal(broken.reason, "invalid_bundle");
      assert.match(broken.message, /document 1.*apiVersion[\s\S]*document 2.*kind/);
      assert.match(own.message, /document 1, line 1: brings the label "applyset\.kubernetes\.io\/id"/);
    },
  },
  {
    name: "a missing namespace fails, and heals once it is there",
    async run({ agent, newStack, hand, namespace }) {
      const later = `${namespace}-later`;
      const bundle = configMapYaml("a", "1", { namespace: later });
      const one = await agent();
      const stack = newStack();

      const first = await one.reconcile(stack, bundle);
      await hand.create({ ...CONFIG_MAP, kind: "Namespace", resource: "namespaces", namespaced: false }, {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: later },
      });
      const second = await one.reconcile(stack, bundle);

      assert.equal(first.result, "failed");
      assert.match(first.message, new RegExp(`namespaces "${later}" not found`));
      assert.equal(second.result, "applied", second.message);
    },
  },
  {
    name: "an object of another stack is refused with that stack's name, until that stack is gone",
    async run({ agent, newStack }) {
      const [one, other] = [await agent(), await agent()];
      const [theirs, ours] = [newStack(), newStack()];
      await other.reconcile(theirs, configMapYaml("shared", "1"));

      const refused = await one.reconcile(ours, configMapYaml("shared", "2"));
      await other.remove(theirs);
      const taken = await one.reconcile(ours, configMapYaml("shared", "2"));

      assert.equal(refused.reason, "refused");
      assert.match(refused.message, new RegExp(`it belongs to stack "${nameOf(theirs)}"`));
      assert.equal(taken.result, "applied", taken.message);
    },
  },
];

/** A definition and an object of its type; the type may know one more field, and the object set it. */
function customBundle(group: string, { hasColor = false }: { readonly hasColor?: boolean } = {}): string {
  const [color, red] = hasColor ? [", color: { type: string, enum: [red] }", ", color: red"] : ["", ""];
  const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.${group}.example }
spec:
  group: ${group}.example
  scope: Namespaced
  names: { kind: Widget, plural: widgets, singular: widget }
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, properties: { spec: { type: object, properties: { size: { type: integer }${color} } } } } }
`;
  const widget = `apiVersion: ${group}.example/v1\nkind: Widget\nmetadata: { name: one }\nspec: { size: 1${red} }\n`;
  return bundleOf(widget, definition);
}
