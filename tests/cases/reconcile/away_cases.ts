import assert from "node:assert/strict";
import { waitFor } from "../../run/wait.ts";
import type { ReconcileCase } from "./reconcile_case.ts";
import { yamlOf } from "./samples.ts";
import { NAMESPACE } from "./world.ts";

/** APIs that other servers answer for, and that are away. */
export const awayCases: readonly ReconcileCase[] = [
  {
    name: "a namespace stays while an API is away that may have something in it, and the report names that API",
    async run({ agent, newStack, hand, namespace }) {
      const [one, stack, name] = [await agent(), newStack(), `${namespace}-away`];
      const group = `${namespace}.example`;
      const services = { apiVersion: "apiregistration.k8s.io/v1", kind: "APIService", resource: "apiservices" };
      const type = { ...services, namespaced: false, verbs: [] };
      await one.reconcile(stack, yamlOf({ apiVersion: "v1", kind: "Namespace", metadata: { name } }));
      const spec = {
        group,
        version: "v1",
        groupPriorityMinimum: 100,
        versionPriority: 100,
        insecureSkipTLSVerify: true,
      };
      const service = { name: "away", namespace: "default" };
      await hand.create(type, {
        apiVersion: services.apiVersion,
        kind: services.kind,
        metadata: { name: `v1.${group}` },
        spec: { ...spec, service },
      });

      await waitFor(async () => {
        const groups = await one.kubernetes.discoverGroups();
        return groups.some(({ name }) => name === group) ? true : undefined;
      }, { what: "see the API among the others" });

      const failed = await one.remove(stack);
      const kept = await hand.get(NAMESPACE, name);
      await hand.remove(type, { name: `v1.${group}` });
      const removed = await waitFor(async () => {
        const outcome = await one.remove(stack);
        assert.equal(outcome.result, "applied", outcome.message);
        return outcome;
      }, { what: "remove the namespace" });

      assert.deepEqual([failed.result, failed.reason], ["failed", "prune_failed"], failed.message);
      assert.match(failed.message, new RegExp(`Namespace "${name}": .*"${group.replaceAll(".", "\\.")}/v1"`));
      assert.equal(kept?.metadata.deletionTimestamp, undefined);
      assert.equal(removed.result, "applied", removed.message);
    },
  },
];
