import assert from "node:assert/strict";
import { FIELD_MANAGER, type KubernetesObject, type ManagedFields } from "$lib/kubernetes.ts";
import { withDependents, withLeftovers } from "./leftovers.ts";

type Fields = Readonly<Record<string, unknown>>;

const OWN = { manager: FIELD_MANAGER, operation: "Apply", apiVersion: "apps/v1", fieldsType: "FieldsV1" };
const DEFAULTS = { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } };
const RECREATE = { strategy: { type: "Recreate" } };

function deployment(spec: Fields, managedFields: readonly ManagedFields[] = [], labels = {}): KubernetesObject {
  const metadata = { name: "d", labels, managedFields };
  return { apiVersion: "apps/v1", kind: "Deployment", metadata, spec } as KubernetesObject;
}

function entry(manager: string, fieldsV1: unknown, operation = "Update"): ManagedFields {
  return { manager, operation, apiVersion: "apps/v1", fieldsType: "FieldsV1", fieldsV1 } as ManagedFields;
}

Deno.test("withLeftovers() takes what nobody owns, and what a person owns, of an alternative that the manifest left", () => {
  const owned = { "f:spec": { "f:strategy": { "f:rollingUpdate": { ".": {}, "f:maxSurge": {} }, "f:type": {} } } };
  const taken = { "f:spec": { "f:strategy": { "f:rollingUpdate": {} } } };

  const ofNobody = withLeftovers(deployment({ strategy: DEFAULTS }), deployment(RECREATE), []);
  const ofPerson = withLeftovers(
    deployment({ strategy: DEFAULTS }, [entry("kubectl-create", owned)]),
    deployment(RECREATE),
    [],
  );

  assert.deepEqual(ofNobody, [{ ...OWN, fieldsV1: taken }]);
  assert.deepEqual(ofPerson, [
    entry("kubectl-create", { "f:spec": { "f:strategy": { "f:type": {} } } }),
    { ...OWN, fieldsV1: taken },
  ]);
});

Deno.test("withLeftovers() leaves what another program owns, what is ours already, and texts of such a name", () => {
  const rolling = { "f:spec": { "f:strategy": { "f:rollingUpdate": { "f:maxSurge": {} } } } };
  const ours = entry(FIELD_MANAGER, { "f:spec": { "f:strategy": { "f:rollingUpdate": {} } } }, "Apply");
  const manifest = deployment(RECREATE);

  assert.equal(
    withLeftovers(deployment({ strategy: DEFAULTS }, [entry("some-operator", rolling)]), manifest, []),
    undefined,
  );
  assert.equal(withLeftovers(deployment({ strategy: DEFAULTS }, [ours]), manifest, []), undefined);
  const labelled = deployment(RECREATE, [], { service: "shop", value: "x", exec: "y" });
  assert.equal(withLeftovers(labelled, manifest, []), undefined);
});

Deno.test("withDependents() takes the other name of what the manifest drops, and nothing while it has that", () => {
  const set = (...names: string[]) => ({
    "f:spec": { "f:template": { "f:spec": Object.fromEntries(names.map((name) => [`f:${name}`, {}])) } },
  });
  const live = deployment({}, [entry(FIELD_MANAGER, set("serviceAccountName", "containers"), "Apply")]);
  const after = (...names: string[]) => deployment({}, [entry(FIELD_MANAGER, set(...names), "Apply")]);

  const [own] = withDependents(live, { after: after("containers") }, []) ?? [];

  assert.deepEqual(own?.fieldsV1, set("serviceAccountName", "containers", "serviceAccount"));
  assert.equal(withDependents(live, { after: after("serviceAccountName", "containers") }, []), undefined);
});
