import assert from "node:assert/strict";
import { pathsOf } from "../../fakes/field_paths.ts";
import { messageOf } from "$lib/error.ts";
import { newId } from "$lib/ids.ts";
import { isRefused, type KubernetesObject, type ObjectPlace } from "$lib/kubernetes.ts";
import { fieldSetOf, ownEntry } from "../../../agent/kube/compare/field_sets.ts";
import { foldPatch } from "../../../agent/kube/compare/folding.ts";
import { isVersionFailure, repairVersions } from "../../../agent/kube/compare/versions.ts";
import { GivenUp, waitFor } from "../../run/wait.ts";
import { type CompareCase, type CompareWorld, type, TYPES } from "./world.ts";

/** An object goes on to be applied when the versions of its type change. */
export const versionCases: readonly CompareCase[] = [
  {
    name: "a field that the last applied version does not know is applied once the versions are repaired",
    async run(world) {
      const ups = await define(world, [version("v1alpha1", { fields: ["a", "c"], storage: true })]);
      await world.kubernetes.apply(ups.place("v1alpha1"), ups.object("v1alpha1", { a: "x", c: "gone" }));
      await labelAs(world, "some-controller", ups.place("v1alpha1"));
      await ups.change([
        version("v1alpha1", { fields: ["a", "c"] }),
        version("v1", { fields: ["a", "b"], storage: true }),
      ]);
      const wanted = ups.object("v1", { b: "why" });
      await untilVersionFails(world, ups.place("v1"), wanted);

      await repair(world, ups.place("v1"), ["v1alpha1", "v1"]);
      const { object } = await world.kubernetes.apply(ups.place("v1"), wanted);

      assert.deepEqual(object.spec, { b: "why" });
      assert.deepEqual(pathsOf(fieldSetOf(ownEntry(object.metadata)?.fieldsV1)), ["spec.b"]);
      assert.deepEqual(object.metadata.labels, { "example.org/by": "some-controller" });
    },
  },
  {
    name: "an object last applied by a version that is gone is applied, and loses what the manifest has no more",
    async run(world) {
      const ups = await define(world, [
        version("v1beta1", { fields: ["a", "c"] }),
        version("v1", { fields: ["a", "c"], storage: true }),
      ]);
      await world.kubernetes.apply(ups.place("v1beta1"), ups.object("v1beta1", { a: "x", c: "gone" }));
      await labelAs(world, "some-controller", ups.place("v1beta1"));
      await ups.change([version("v1", { fields: ["a", "c"], storage: true })]);
      const wanted = ups.object("v1", { a: "x" });
      await untilVersionFails(world, ups.place("v1"), wanted);

      await repair(world, ups.place("v1"), ["v1"]);
      const { object } = await world.kubernetes.apply(ups.place("v1"), wanted);

      assert.deepEqual(object.spec, { a: "x" });
      assert.deepEqual(object.metadata.labels, { "example.org/by": "some-controller" });
    },
  },
];

interface Version {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly schema: unknown;
}

function version(
  name: string,
  { fields, storage = false }: { readonly fields: readonly string[]; readonly storage?: boolean },
): Version {
  const properties = Object.fromEntries(fields.map((field) => [field, { type: "string" }]));
  const schema = { openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties } } } };
  return { name, served: true, storage, schema };
}

interface Defined {
  place(version: string): ObjectPlace;
  object(version: string, spec: Readonly<Record<string, string>>): KubernetesObject;
  change(versions: readonly Version[]): Promise<void>;
}

async function define(world: CompareWorld, versions: readonly Version[]): Promise<Defined> {
  const group = `g${newId().slice(0, 8)}.example`;
  const name = `ups.${group}`;
  const change = async (next: readonly Version[]) => {
    const names = { kind: "Up", plural: "ups", singular: "up", listKind: "UpList" };
    const spec = { group, names, scope: "Namespaced", versions: next };
    const object = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name },
      spec,
    };
    await world.kubernetes.apply({ resource: TYPES.definitions, name }, object);
    await untilTakes(world, group, next.map(({ name }) => name));
  };
  await change(versions);
  return {
    change,
    place: (version) => ({
      resource: type(`${group}/${version}`, "Up", "ups"),
      namespace: world.namespace,
      name: "one",
    }),
    object: (version, spec) => ({ apiVersion: `${group}/${version}`, kind: "Up", metadata: { name: "one" }, spec }),
  };
}

/** Until the API server serves these versions and no other: it hears of a changed definition a little later. */
async function untilTakes({ kubernetes }: CompareWorld, group: string, versions: readonly string[]): Promise<void> {
  const wanted = versions.map((version) => `${group}/${version}`).toSorted();
  await waitFor(async () => {
    const groups = await kubernetes.discoverGroups();
    const found = groups.find(({ name }) => name === group)?.apiVersions ?? [];
    const lists = await Promise.all(wanted.map((one) => kubernetes.discover(one)));
    return found.toSorted().join() === wanted.join() && lists.every((list) => list !== undefined) || undefined;
  }, { what: `see ${wanted.join()} served, and no other` });
}

/** A definition's change is in discovery a moment before it is in what judges an apply. */
async function untilVersionFails(
  { kubernetes }: CompareWorld,
  place: ObjectPlace,
  wanted: KubernetesObject,
): Promise<void> {
  await waitFor(async () => {
    try {
      await kubernetes.apply(place, wanted, { dryRun: true });
    } catch (error) {
      if (isVersionFailure(error)) return true;
      if (!isRefused(error, 404)) throw new GivenUp(messageOf(error));
    }
  }, { what: "see a dry run fail of versions" });
}

async function labelAs(world: CompareWorld, manager: string, place: ObjectPlace): Promise<void> {
  const door = await world.as(manager);
  await door.patch(place, { metadata: { labels: { "example.org/by": manager } } });
}

async function repair({ kubernetes }: CompareWorld, place: ObjectPlace, served: readonly string[]): Promise<void> {
  const live = await kubernetes.get(place);
  const { apiVersion } = place.resource;
  const repaired = live && repairVersions(live, {
    apiVersion,
    served: (one) => served.some((version) => one.endsWith(`/${version}`)),
  });
  assert.ok(live && repaired);
  await kubernetes.patch(place, foldPatch(live, repaired), { type: "json" });
}
