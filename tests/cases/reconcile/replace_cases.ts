import assert from "node:assert/strict";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import type { Outcome } from "../../../agent/kube/outcome.ts";
import { waitFor } from "../../run/wait.ts";
import type { ReconcileCase } from "./reconcile_case.ts";
import { job, TYPES, yamlOf } from "./samples.ts";
import { bundleOf, type Hand } from "./world.ts";

const [OLD, NEW] = ["registry.example/app:1", "registry.example/app:2"];

/**
 * What is made anew has what only one object can have: tried beside the old one, it would be refused for that alone.
 */
export const replaceCases: readonly ReconcileCase[] = [
  {
    name: "a Service is made anew with the ports of nodes that it has, and not with another's",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const [first, second, theirs] = await freeAddresses(hand, namespace);
      const web = (address: Address) => yamlOf(service("web", address), { replace: "immutable" });
      const live = () => hand.get(TYPES.services, "web", namespace);
      await one.reconcile(stack, web(first));
      const before = await live();

      const moved = { clusterIP: second.clusterIP, nodePort: first.nodePort };
      const replaced = await one.reconcile(stack, web(moved));
      const after = await live();
      await hand.create(TYPES.services, { ...service("theirs", theirs), metadata: { name: "theirs", namespace } });
      const refused = await one.reconcile(stack, web({ clusterIP: first.clusterIP, nodePort: theirs.nodePort }));

      const [result] = replaced.results;
      assert.deepEqual([result?.action, result?.fields], ["replaced", ["spec.clusterIP"]], replaced.message);
      assert.notEqual(after?.metadata.uid, before?.metadata.uid);
      assert.deepEqual(addressOf(after), moved);
      assert.deepEqual([refused.result, refused.reason], ["failed", "refused"], refused.message);
      assert.equal((await live())?.metadata.uid, after?.metadata.uid);
    },
  },
  {
    name: "a Job that fills its namespace's quota is made anew, and one for which there is no room is not",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const policy = { replace: "immutable" };
      const quota = (jobs: string) => quotaOf({ "count/jobs.batch": jobs });
      await one.reconcile(stack, bundleOf(yamlOf(quota("1")), yamlOf(job(OLD), policy)));
      const before = await hand.get(TYPES.jobs, "migrate", namespace);

      const tries: Outcome[] = [];
      const replaced = await waitFor(async () => {
        const outcome = await one.reconcile(stack, bundleOf(yamlOf(quota("1")), yamlOf(job(NEW), policy)));
        tries.push(outcome);
        return outcome.reason === "apply_failed" ? undefined : outcome; // the quota counts the old one for a while
      }, { what: "replace the Job" });
      const [first] = tries;
      const after = await hand.get(TYPES.jobs, "migrate", namespace);
      const refused = await one.reconcile(stack, bundleOf(yamlOf(quota("0")), yamlOf(job(OLD), policy)));

      assert.equal(replaced.result, "applied", replaced.message);
      assert.notEqual(after?.metadata.uid, before?.metadata.uid);
      assert.match(JSON.stringify(after?.spec), /app:2/);
      const said = first?.results.find(({ kind }) => kind === "Job");
      if (first === replaced) {
        assert.deepEqual([said?.action, said?.fields], ["replaced", [
          'spec.template.spec.containers[name="run"].image',
        ]]);
      } else assert.match(said?.error ?? "", /^it was deleted to be made anew, and is not there now: .*exceeded quota/);
      assert.deepEqual([refused.result, refused.reason], ["failed", "refused"], refused.message);
      assert.equal((await hand.get(TYPES.jobs, "migrate", namespace))?.metadata.uid, after?.metadata.uid);
    },
  },
  {
    name: "the default PriorityClass is made anew as the default",
    skipOn: { simulated: "it has no defaults of classes" },
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack] = [await agent(), newStack()];
      const named = (value: number) => yamlOf(priorityClass(namespace, value), { replace: "immutable" });
      await one.reconcile(stack, named(1));
      const before = await hand.get(TYPES.priorityClasses, namespace);

      const replaced = await one.reconcile(stack, named(2));

      const after = await hand.get(TYPES.priorityClasses, namespace);
      await hand.remove(TYPES.priorityClasses, { name: namespace });
      assert.deepEqual(replaced.results.map(({ action }) => action), ["replaced"], replaced.message);
      assert.notEqual(after?.metadata.uid, before?.metadata.uid);
      assert.deepEqual([after?.value, after?.globalDefault], [2, true]);
    },
  },
];

interface Address {
  readonly clusterIP: string;
  readonly nodePort: number;
}

function service(name: string, address?: Address): KubernetesObject {
  const { clusterIP, nodePort } = address ?? {};
  const ports = [{ port: 80, ...(nodePort === undefined ? {} : { nodePort }) }];
  const addressed = clusterIP === undefined ? {} : { clusterIP };
  const spec = { type: "NodePort", ...addressed, selector: { app: name }, ports };
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec };
}

/** Three that nobody has: they were those of Services that are no more. */
async function freeAddresses(hand: Hand, namespace: string): Promise<readonly [Address, Address, Address]> {
  const made = (name: string) =>
    hand.create(TYPES.services, { ...service(name), metadata: { name, namespace } }).then(addressOf);
  const addresses = [await made("one"), await made("two"), await made("three")] as const;
  for (const name of ["one", "two", "three"]) await hand.remove(TYPES.services, { name, namespace });
  return addresses;
}

function addressOf(service: KubernetesObject | undefined): Address {
  const { clusterIP, ports: [port] } = service?.spec as {
    readonly clusterIP: string;
    readonly ports: readonly [{ readonly nodePort: number }];
  };
  return { clusterIP, nodePort: port.nodePort };
}

function quotaOf(hard: Readonly<Record<string, string>>): KubernetesObject {
  return { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "limits" }, spec: { hard } };
}

function priorityClass(name: string, value: number): KubernetesObject {
  return { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass", metadata: { name }, value, globalDefault: true };
}
