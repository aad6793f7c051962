import assert from "node:assert/strict";
import { pathsOf } from "../../../tests/fakes/field_paths.ts";
import { fc } from "../../../tests/fakes/fast_check.ts";
import { FIELD_MANAGER, type KubernetesObject, type ManagedFields } from "$lib/kubernetes.ts";
import { difference, type FieldSet, fieldSetOf, isEmptySet, ownEntry, union } from "./field_sets.ts";
import { foldedAway, type Folding, foldPatch, foldPlan, isPersonOrFormer, needsFold } from "./folding.ts";

const TIME = "2025-01-01T00:00:00Z";

function entry(manager: string, fieldsV1: FieldSet, more: Partial<ManagedFields> = {}): ManagedFields {
  return { manager, operation: "Update", apiVersion: "v1", time: TIME, fieldsType: "FieldsV1", fieldsV1, ...more };
}

function own(fieldsV1: FieldSet, more: Partial<ManagedFields> = {}): ManagedFields {
  return entry(FIELD_MANAGER, fieldsV1, { operation: "Apply", ...more });
}

function objectOf(...managedFields: readonly ManagedFields[]): KubernetesObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c", resourceVersion: "7", managedFields } };
}

function fold(live: KubernetesObject, more: Partial<Folding> = {}): readonly ManagedFields[] | undefined {
  return foldPlan({ live, isMade: true, formerManagers: [], ...more });
}

const KEY_A: FieldSet = { "f:data": { "f:a": {} } };
const KEYS: FieldSet = { "f:data": { ".": {}, "f:a": {}, "f:b": {} } };

Deno.test("foldPlan() of an object that we made takes a person's fields whole, and leaves others'", () => {
  const controller = entry("controller", { "f:metadata": { "f:labels": { "f:x": {} } } });
  const live = objectOf(entry("kubectl-edit", KEYS), controller, own({ "f:data": { "f:c": {} } }, { time: "2024" }));

  assert.deepEqual(fold(live), [
    controller,
    own({ "f:data": { ".": {}, "f:c": {}, "f:a": {}, "f:b": {} } }, { time: "2024" }),
  ]);
});

Deno.test("foldPlan() has nothing to do where only we and programs wrote", () => {
  assert.equal(fold(objectOf(own(KEY_A), entry("controller", KEYS))), undefined);
});

for (
  const { what, left } of [
    { what: "a subresource", left: entry("kubectl", KEYS, { subresource: "scale" }) },
    {
      what: "a restart, and a pause,",
      left: entry("kubectl-rollout", {
        "f:spec": {
          "f:paused": {},
          "f:template": {
            "f:metadata": { "f:annotations": { ".": {}, "f:kubectl.kubernetes.io/restartedAt": {} } },
          },
        },
      }),
    },
    { what: "a status", left: entry("kubectl-client-side-apply", { "f:status": { ".": {}, "f:a": {} } }) },
    {
      what: "a person's word that the object is to stay",
      left: entry("kubectl-annotate", { "f:metadata": { "f:annotations": { "f:brokkr.io/prune": {} } } }),
    },
  ]
) {
  Deno.test(`foldPlan() leaves ${what} alone`, () => assert.equal(fold(objectOf(own(KEY_A), left)), undefined));
}

Deno.test("foldPlan() takes what an undone rollout brought back of an older template", () => {
  const brought = { "f:spec": { "f:template": { "f:spec": { "f:hostNetwork": {} } } } };

  assert.deepEqual(fold(objectOf(own(KEY_A), entry("kubectl-rollout", brought))), [own(union(KEY_A, brought))]);
});

Deno.test("foldedAway() names what goes because it was folded, once, and nothing that the manifest or another manager has", () => {
  const whole: FieldSet = { "f:data": { ".": {}, "f:a": {}, "f:b": {}, "f:c": {} }, "f:more": { ".": {}, "f:d": {} } };
  const live = objectOf(own(KEY_A), entry("kubectl-replace", whole), entry("controller", { "f:data": { "f:c": {} } }));
  const manifest = { ...objectOf(), data: { a: "1" } };

  for (const known of [{ after: objectOf(own(KEY_A)) }, { manifest }]) {
    assert.deepEqual(foldedAway({ live, ...known, isMade: true, formerManagers: [] }), ["data.b", "more"]);
  }
});

Deno.test("foldPlan() takes former managers by name, and kubectl's own apply", () => {
  const live = objectOf(own(KEY_A), entry("old-tool", KEYS, { operation: "Apply" }));

  assert.equal(fold(live), undefined);
  assert.deepEqual(fold(live, { formerManagers: ["old-tool"] }), [own(union(KEY_A, KEYS))]);
  assert.deepEqual(fold(objectOf(own(KEY_A), entry("kubectl", KEYS, { operation: "Apply" }))), [
    own(union(KEY_A, KEYS)),
  ]);
});

Deno.test("foldPlan() never takes our own apply for a former manager's", () => {
  assert.equal(fold(objectOf(own(KEY_A)), { formerManagers: [FIELD_MANAGER] }), undefined);
});

Deno.test("foldPlan() makes an entry for us, as new as the newest taken, where we have none", () => {
  const live = objectOf(entry("kubectl-create", KEY_A), entry("kubectl-edit", KEYS, { time: "2026" }));

  assert.deepEqual(fold(live), [own(KEYS, { time: "2026" })]);
});

Deno.test("foldPlan() of an object that was there before takes what our manifest has or had, and maps around it", () => {
  const person: FieldSet = { "f:data": { ".": {}, "f:a": {}, "f:had": {}, "f:theirs": {} } };
  const live = objectOf(entry("kubectl-client-side-apply", person), own({ "f:data": { "f:had": {} } }));

  const [left, ours] = fold(live, { isMade: false, after: objectOf(own(KEY_A)) }) ?? [];

  assert.deepEqual(pathsOf(fieldSetOf(left?.fieldsV1)), ["data.theirs"]);
  assert.deepEqual(pathsOf(fieldSetOf(ours?.fieldsV1)).toSorted(), ["data", "data.a", "data.had"]);
});

const item = (name: string, fields: FieldSet) => ({ [`k:{"name":"${name}"}`]: { ".": {}, ...fields } });
const pod = (items: FieldSet) => ({ "f:spec": { "f:containers": items } });

Deno.test("foldPlan() takes an item whole that our manifest had and has no more, and of one that it has what it has", () => {
  const person = pod({
    ...item("a", { "f:image": {}, "f:name": {}, "f:tty": {} }),
    ...item("b", { "f:image": {}, "f:name": {}, "f:tty": {} }),
    ...item("c", { "f:image": {}, "f:name": {} }),
  });
  const named = { "f:image": {}, "f:name": {} };
  const live = objectOf(
    entry("kubectl-client-side-apply", person),
    own(pod({ ...item("a", named), ...item("b", named) })),
  );

  const [left] = fold(live, { isMade: false, after: objectOf(own(pod(item("a", named)))) }) ?? [];

  assert.deepEqual(left?.fieldsV1, pod({ 'k:{"name":"a"}': { "f:tty": {} }, ...item("c", named) }));
});

Deno.test("foldPlan() takes one of several alternatives whole when our manifest goes on to another", () => {
  const probe = (handler: FieldSet) => pod(item("a", { "f:livenessProbe": { ".": {}, ...handler } }));
  const person = probe({ "f:httpGet": { ".": {}, "f:port": {}, "f:scheme": {} }, "f:timeoutSeconds": {} });
  const live = objectOf(entry("kubectl-client-side-apply", person), own(probe({ "f:httpGet": { "f:port": {} } })));

  const [left] = fold(live, { isMade: false, after: objectOf(own(probe({ "f:exec": { "f:command": {} } }))) }) ?? [];

  assert.deepEqual(pathsOf(fieldSetOf(left?.fieldsV1)), ['spec.containers[name="a"].livenessProbe.timeoutSeconds']);
});

Deno.test("foldPlan() takes a volume's source whole when our manifest gives the volume another", () => {
  const volume = (source: FieldSet) => ({ "f:spec": { "f:volumes": item("v", { "f:name": {}, ...source }) } });
  const person = volume({ "f:configMap": { ".": {}, "f:defaultMode": {}, "f:name": {} } });
  const live = objectOf(entry("kubectl-client-side-apply", person), own(volume({ "f:configMap": { "f:name": {} } })));

  const plan = fold(live, { isMade: false, after: objectOf(own(volume({ "f:emptyDir": {} }))) });

  assert.deepEqual(plan?.map(({ manager }) => manager), [FIELD_MANAGER]);
});

Deno.test("foldPlan() goes by the manifest itself where the dry run was refused", () => {
  const live = objectOf(
    entry(
      "kubectl-client-side-apply",
      pod(item("a", { "f:image": {}, "f:exec": { ".": {}, "f:x": {} }, "f:tty": {} })),
    ),
    own(pod(item("a", { "f:image": {}, "f:exec": { "f:y": {} } }))),
  );
  const manifest = { ...live, spec: { containers: [{ name: "a", image: "x" }] } };

  const [left] = fold(live, { isMade: false, manifest }) ?? [];

  assert.deepEqual(pathsOf(fieldSetOf(left?.fieldsV1)), ['spec.containers[name="a"].tty']);
});

Deno.test("foldPlan() of an object that was there before leaves it as it is where its manifest has nothing of a person's", () => {
  const live = objectOf(entry("kubectl-edit", { "f:data": { "f:theirs": {} } }), own(KEY_A));

  assert.equal(fold(live, { isMade: false, after: objectOf(own(KEY_A)) }), undefined);
});

Deno.test("foldPlan() takes all of an object that has lost its managed fields", () => {
  const after = objectOf(entry("before-first-apply", KEYS), own(KEY_A));

  assert.deepEqual(fold(objectOf(), { after }), [own(KEYS)]);
});

const fieldSet = fc.dictionary(
  fc.constantFrom("f:a", "f:b", 'k:{"name":"a"}'),
  fc.constantFrom<FieldSet>({}, { "f:c": {} }, { ".": {}, "f:c": {}, "f:d": {} }),
);

Deno.test("foldPlan() loses no field, and gives each to one of the two", () => {
  fc.assert(fc.property(fieldSet, fieldSet, fieldSet, fc.boolean(), (person, ours, wanted, isMade) => {
    const live = objectOf(entry("kubectl-edit", person), own(ours));
    const plan = fold(live, { isMade, after: objectOf(own(wanted)) });
    if (plan === undefined) return;

    const after = { managedFields: plan };
    const taken = fieldSetOf(ownEntry(after)?.fieldsV1);
    const left = fieldSetOf(plan.find(({ manager }) => manager === "kubectl-edit")?.fieldsV1);

    assert.deepEqual(new Set(pathsOf(union(taken, left))), new Set(pathsOf(union(person, ours))));
    assert.ok(isEmptySet(difference(left, person)) && isEmptySet(difference(ours, taken)));
    assert.equal(fold(objectOf(...plan), { isMade, after: objectOf(own(wanted)) }), undefined);
  }));
});

Deno.test("needsFold() tells by entries without their fields", () => {
  const { fieldsV1: _, ...slim } = entry("kubectl-edit", KEYS);
  const meta = (managedFields: readonly ManagedFields[]) => ({ name: "c", managedFields });

  assert.equal(needsFold(meta([own(KEY_A), slim])), true);
  assert.equal(needsFold(meta([own(KEY_A), { ...slim, manager: "old-tool" }])), false);
  assert.equal(needsFold(meta([own(KEY_A), { ...slim, manager: "old-tool" }]), ["old-tool"]), true);
  assert.equal(needsFold(meta([own(KEY_A), { ...slim, subresource: "scale" }])), false);
  assert.equal(needsFold({ name: "c" }), false);
});

Deno.test("isPersonOrFormer() knows people by their tool, restarts included", () => {
  const people = ["kubectl", "kubectl-edit", "kubectl-rollout", "before-first-apply", "helm", "old-tool"];
  const programs = ["kubectlish", "kube-controller-manager", FIELD_MANAGER, ""];

  assert.deepEqual([...people, ...programs].filter((manager) => isPersonOrFormer(manager, ["old-tool"])), people);
});

Deno.test("foldPatch() is for the version that was seen, and adds what is not there", () => {
  const { metadata: { managedFields: _, ...bare }, ...rest } = objectOf();

  assert.deepEqual(foldPatch(objectOf(own(KEY_A)), [own(KEYS)]), [
    { op: "replace", path: "/metadata/resourceVersion", value: "7" },
    { op: "replace", path: "/metadata/managedFields", value: [own(KEYS)] },
  ]);
  assert.deepEqual(foldPatch({ ...rest, metadata: bare }, [own(KEYS)]).at(-1), {
    op: "add",
    path: "/metadata/managedFields",
    value: [own(KEYS)],
  });
});
