import assert from "node:assert/strict";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import { waitFor } from "../../run/wait.ts";
import type { ReconcileCase } from "./reconcile_case.ts";
import { configMap, definition, down, downs, TYPES, yamlOf } from "./samples.ts";
import { bundleOf, CONFIG_MAP, configMapYaml, nameOf, NAMESPACE, type ReconcileWorld } from "./world.ts";

/** What a bundle brings for itself, and what waits alone. */
export const stageCases: readonly ReconcileCase[] = [
  {
    name: "a bundle that raises a quota and needs it is applied in one turn",
    async run({ agent, newStack }) {
      const [one, stack] = [await agent(), newStack()];
      const secret = (name: string) => yamlOf({ apiVersion: "v1", kind: "Secret", metadata: { name } });
      await one.reconcile(stack, bundleOf(yamlOf(quota("1")), secret("a")));

      const outcome = await one.reconcile(stack, bundleOf(secret("a"), secret("b"), secret("c"), yamlOf(quota("3"))));

      assert.equal(outcome.result, "applied", outcome.message);
      assert.equal(outcome.results.filter(({ action }) => action === "created").length, 2);
    },
  },
  {
    name: "an object that is being deleted is waited for alone: the rest goes on, and it comes when it is gone",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      await one.reconcile(stack, bundleOf(configMapYaml("a", "1"), configMapYaml("b", "1")));
      const finalizers = ["example.com/held"];
      await hand.patch(CONFIG_MAP, { name: "a", namespace }, { metadata: { finalizers } });
      await hand.remove(CONFIG_MAP, { name: "a", namespace });
      const bundle = bundleOf(configMapYaml("a", "2"), configMapYaml("b", "2"), configMapYaml("c", "2"));

      const waiting = await one.reconcile(stack, bundle);
      const rest = await Promise.all(["b", "c"].map((name) => hand.get(CONFIG_MAP, name, namespace)));
      await hand.patch(CONFIG_MAP, { name: "a", namespace }, { metadata: { finalizers: null } });
      const later = await one.reconcile(stack, bundle);

      assert.deepEqual([waiting.result, waiting.reason], ["blocked", "waiting"], waiting.message);
      assert.match(waiting.message, /ConfigMap "a" .*is being deleted; it is applied anew when it is gone/);
      assert.deepEqual(rest.map((object) => object?.data), [{ value: "2" }, { value: "2" }]);
      assert.equal(later.result, "applied", later.message);
      assert.deepEqual((await hand.get(CONFIG_MAP, "a", namespace))?.data, { value: "2" });
    },
  },
  ...(["Namespace", "definition"] as const).map((holder): ReconcileCase => ({
    name: `what is to be in a ${holder} that is being deleted waits with it: the rest goes on, and it comes later`,
    async run(world) {
      const { agent, newStack, hand, namespace } = world;
      const [one, stack, other] = [await agent(), newStack(), newStack()];
      const { documents, alone: another, release } = await goingHolder(world, holder);
      const bundle = bundleOf(...documents, configMapYaml("rest", "1"));

      const waiting = await one.reconcile(stack, bundle);
      const alone = await one.reconcile(other, another);
      const rest = await hand.get(CONFIG_MAP, "rest", namespace);
      await release();
      const later = await waitFor(async () => {
        const outcome = await one.reconcile(stack, bundle);
        return outcome.result === "blocked" ? undefined : outcome;
      }, { what: "apply what waited" });

      for (const { result, reason, message } of [waiting, alone]) {
        assert.deepEqual([result, reason], ["blocked", "waiting"], message);
        assert.match(message, /is applied later: what it is to be in is being deleted/);
      }
      assert.notEqual(rest, undefined);
      assert.equal(later.result, "applied", later.message);
    },
  })),
  {
    name:
      "a definition whose names another one has fails by what the API server says of it, and comes when they are free",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack, group] = [await agent(), newStack(), `${namespace}.example.com`];
      const theirs = definition(group, [{ name: "v1" }]);
      const names = { kind: "Up", plural: "ups", singular: "down", listKind: "UpList" };
      const up = { apiVersion: `${group}/v1`, kind: "Up", metadata: { name: "up" } };
      const bundle = bundleOf(
        yamlOf({ ...theirs, metadata: { name: `ups.${group}` }, spec: { ...theirs.spec as object, names } }),
        yamlOf(up),
      );
      await hand.create(TYPES.definitions, theirs);
      await waitFor(async () => acceptedNames(await hand.get(TYPES.definitions, theirs.metadata.name)), {
        what: "have names accepted",
      });

      const turns = [
        await one.reconcile(stack, bundle),
        await one.reconcile(stack, bundle),
        await one.reconcile(stack, bundleOf(bundle, configMapYaml("more", "1"))),
      ];
      await hand.remove(TYPES.definitions, theirs.metadata);
      const later = await waitFor(async () => {
        const outcome = await one.reconcile(stack, bundle);
        return outcome.result === "failed" ? undefined : outcome;
      }, { what: "bring it" });

      for (const { result, reason, message } of turns) {
        assert.deepEqual([result, reason], ["failed", "apply_failed"], message);
        assert.match(message, /names are not accepted: SingularConflict: "down" is already in use/);
      }
      assert.equal(later.result, "applied", later.message);
    },
  },
  {
    name: "what is to be in a Namespace that another stack is to make first waits for that",
    async run({ agent, newStack, namespace }) {
      const [one, early, late] = [await agent(), newStack(), newStack()];
      const name = `${namespace}-theirs`;
      const made = yamlOf({ apiVersion: "v1", kind: "Namespace", metadata: { name } });
      const bundle = bundleOf(made, configMapYaml("inside", "1", { namespace: name }));
      one.plan({ id: early, bundle: made }, { id: late, bundle });
      const { object } = one.reconciler.claims.stack(early) ?? {};
      const keys = [JSON.stringify(["", "Namespace", "", name])];
      one.reconciler.claims.know(early, { deploymentObjectId: object?.id ?? "", keys });

      const outcome = await one.reconcile(late, bundle);

      assert.deepEqual([outcome.result, outcome.reason], ["blocked", "wanted_elsewhere"], outcome.message);
      assert.match(outcome.message, /ConfigMap "inside" .* is applied later/);
    },
  },
  {
    name: "what others put into every namespace keeps none from being deleted, once its name is known",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack, name] = [await agent(), newStack(), `${namespace}-mesh`];
      await one.reconcile(stack, yamlOf({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
      const metadata = { name: "istio-ca-root-cert", namespace: name };
      await hand.create(CONFIG_MAP, { apiVersion: "v1", kind: "ConfigMap", metadata });

      const blocked = await one.remove(stack);
      using knowing = await one.restarted({ ignoreInNamespaces: ["istio-ca-root-cert"] });
      const removed = await knowing.remove(stack);

      assert.deepEqual([blocked.result, blocked.reason], ["blocked", "namespace_not_empty"], blocked.message);
      assert.equal(removed.result, "applied", removed.message);
      assert.equal(await hand.get(NAMESPACE, name), undefined);
    },
  },
  {
    name: "the Lease of a controller that was there, and what happened, keep no namespace from being deleted",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack, name] = [await agent(), newStack(), `${namespace}-led`];
      await one.reconcile(stack, yamlOf({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
      const metadata = { name: "leader", namespace: name };
      await hand.create(TYPES.leases, { apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata });
      const involvedObject = { kind: "Pod", name: "p", namespace: name };
      const event = { apiVersion: "v1", kind: "Event", metadata, involvedObject, reason: "Led", type: "Normal" };
      await hand.create(TYPES.events, event);

      const removed = await one.remove(stack);

      assert.equal(removed.result, "applied", removed.message);
      assert.equal(await hand.get(NAMESPACE, name), undefined);
    },
  },
  {
    name: "what a stack wants does not go with a namespace, whoever approves that, until it is wanted no more",
    async run({ agent, newStack, hand, namespace }) {
      const [one, a, b, name] = [await agent(), newStack(), newStack(), `${namespace}-shared`];
      const own = configMapYaml("own", "1", { namespace: name });
      await one.reconcile(
        a,
        bundleOf(yamlOf({ apiVersion: "v1", kind: "Namespace", metadata: { name } }), own, configMapYaml("a", "1")),
      );
      await one.reconcile(b, configMapYaml("theirs", "1", { namespace: name }));
      const drop = (bundle: string, approved: number) =>
        one.reconcile(a, bundle, { approval: { revision: approved, approved } });

      const both = await drop(bundleOf(own, configMapYaml("a", "1")), 3);
      const still = await drop(bundleOf(own, configMapYaml("a", "1")), 3);
      await one.remove(b);
      const alone = await drop(bundleOf(own, configMapYaml("a", "1")), 3);
      const inside = await hand.get(CONFIG_MAP, "own", name);
      const free = await drop(configMapYaml("a", "1"), 3);

      for (const { reason, heldRevision, message } of [both, still]) {
        assert.deepEqual([reason, heldRevision], ["namespace_not_empty", undefined], message);
        assert.match(message, new RegExp(`; this stack wants ConfigMap "own", stack "${nameOf(b)}" wants .*"theirs"$`));
      }
      assert.match(alone.message, /; this stack wants ConfigMap "own"$/);
      assert.equal(inside?.metadata.deletionTimestamp, undefined);
      assert.equal(free.result, "applied", free.message);
      assert.deepEqual(free.results.find(({ kind }) => kind === "Namespace")?.action, "deleted");
    },
  },
  {
    name: "a namespace goes with what a person saw in it and approved, and with nothing that came later",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack, name] = [await agent(), newStack(), `${namespace}-full`];
      await one.reconcile(stack, yamlOf({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
      const put = (object: string) =>
        hand.create(CONFIG_MAP, { apiVersion: "v1", kind: "ConfigMap", metadata: { name: object, namespace: name } });
      await put("seen");

      const blocked = await one.remove(stack, { approval: { revision: 7 } });
      await put("later");
      const held = await one.remove(stack, { approval: { revision: 8, approved: 7 } });
      const removed = await one.remove(stack, { approval: { revision: 9, approved: 8 } });

      assert.deepEqual([blocked.reason, blocked.heldRevision], ["namespace_not_empty", 7], blocked.message);
      assert.deepEqual([held.reason, held.heldRevision], ["namespace_not_empty", 8], held.message);
      assert.match(blocked.message, /^all of it goes once that is approved for this stack at revision 7$/m);
      assert.match(held.message, /holds ConfigMap "later"\nall of it goes .* at revision 8$/);
      assert.equal(removed.result, "applied", removed.message);
      assert.equal(await hand.get(NAMESPACE, name), undefined);
    },
  },
  {
    name: "a namespace that holds another agent's records stays, whatever a person approves, and names the agent",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack, name, other] = [await agent(), newStack(), `${namespace}-kept`, crypto.randomUUID()];
      const records = [
        `brokkr-agent-${other}`,
        ...["", "-1"].map((piece) => `brokkr-stack-${stack}-${other.slice(0, 8)}${piece}`),
      ];
      await one.reconcile(stack, yamlOf({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
      const annotations = { "brokkr.io/owner-id": other };
      for (const metadata of [...records.map((name) => ({ name, annotations })), { name: "seen" }]) {
        await hand.create(CONFIG_MAP, {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { ...metadata, namespace: name },
        });
      }

      const blocked = await one.remove(stack, { approval: { revision: 7 } });
      const held = await one.remove(stack, { approval: { revision: 8, approved: 7 } });
      for (const record of records) await hand.remove(CONFIG_MAP, { name: record, namespace: name });
      const removed = await one.remove(stack, { approval: { revision: 9, approved: 7 } });

      const why = `agent "${other}" keeps its records there, which no approval removes`;
      assert.deepEqual([blocked.reason, blocked.heldRevision], ["namespace_not_empty", 7], blocked.message);
      assert.match(blocked.message, new RegExp(`holds 4 ConfigMap: .*"brokkr-agent-${other}".*; ${why}$`));
      assert.deepEqual([held.reason, held.heldRevision], ["namespace_not_empty", undefined], held.message);
      assert.match(held.message, new RegExp(`holds 3 ConfigMap: [^;]*; ${why}$`));
      assert.equal(removed.result, "applied", removed.message);
      assert.equal(await hand.get(NAMESPACE, name), undefined);
    },
  },
  {
    name: "another agent's record is refused to a bundle, though it says that it is to be its own",
    async run({ agent, newStack, hand, namespace }) {
      const [one, other] = [await agent(), crypto.randomUUID()];
      const name = `brokkr-agent-${other}`;
      const root = { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace } };
      await hand.create(CONFIG_MAP, root);

      const refused = await one.reconcile(newStack(), yamlOf(root, { adopt: "own" }));

      assert.deepEqual([refused.result, refused.reason], ["failed", "refused"]);
      assert.match(refused.message, new RegExp(`it belongs to agent "${other}", whose record it is$`));
      assert.equal((await hand.get(CONFIG_MAP, name, namespace))?.metadata.annotations, undefined);
    },
  },
];

/** A Namespace or a definition that is there and can't go yet, and documents that bring it and something new in it. */
async function goingHolder({ hand, namespace }: ReconcileWorld, holder: "Namespace" | "definition") {
  const finalizers = ["example.com/held"];
  const group = `${namespace}.example.com`;
  const isNamespace = holder === "Namespace";
  const made: KubernetesObject = isNamespace
    ? { apiVersion: "v1", kind: "Namespace", metadata: { name: `${namespace}-going` } }
    : definition(group, [{ name: "v1" }]);
  const inside: KubernetesObject = isNamespace
    ? { ...configMap("inside", { a: "1" }), metadata: { name: "inside", namespace: made.metadata.name } }
    : down(group, "v1", { a: "1" });
  const type = isNamespace ? CONFIG_MAP : downs(group, "v1");
  const where = isNamespace ? made.metadata.name : namespace;
  await hand.create(isNamespace ? NAMESPACE : TYPES.definitions, made);
  await waitFor(
    () =>
      hand.create(type, { ...inside, metadata: { name: "holding", namespace: where, finalizers } }).catch(() =>
        undefined
      ),
    {
      what: "put something into it",
    },
  );
  await hand.remove(isNamespace ? NAMESPACE : TYPES.definitions, made.metadata);
  const release = () => hand.patch(type, { name: "holding", namespace: where }, { metadata: { finalizers: null } });
  const alone = yamlOf({ ...inside, metadata: { ...inside.metadata, name: "alone" } });
  return { documents: [yamlOf(made), yamlOf(inside)], alone, release };
}

function acceptedNames(definition: KubernetesObject | undefined): string | undefined {
  return (definition?.status as { readonly acceptedNames?: { readonly kind?: string } } | undefined)?.acceptedNames
    ?.kind;
}

function quota(secrets: string): KubernetesObject {
  const spec = { hard: { "count/secrets": secrets } };
  return { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "limits" }, spec };
}
