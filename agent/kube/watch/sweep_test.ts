import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { Failure } from "$lib/error.ts";
import type { ApiResource, ObjectMeta } from "$lib/kubernetes.ts";
import { WatchedKind } from "../../../tests/fakes/watched_kinds.ts";
import { createSweep, type SweepParts } from "./sweep.ts";
import { MANIFEST_CHECKSUM, OWNER_ID, PART_OF, STACK } from "../names.ts";

const DEPLOYMENTS: ApiResource = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  resource: "deployments",
  namespaced: true,
  verbs: [],
};
const DEPLOYMENT = { group: "apps", kind: "Deployment" };
const signal = new AbortController().signal;

function refusal(status: number): Failure {
  return new Failure("kubernetes_rejected", `Cannot list deployments: status ${status}`, { details: { status } });
}

function member(name: string, set: string, rest: Partial<ObjectMeta> = {}): ObjectMeta {
  return { name, namespace: "n", uid: `uid-${name}`, resourceVersion: "1", labels: { [PART_OF]: set }, ...rest };
}

/** A sweep over Deployments; discovery finds what is in `resources`, the last one for ever. */
function sweeping(
  { isGone = false, ...parts }: Partial<SweepParts> & { readonly isGone?: boolean } = {},
  resources: readonly (ApiResource | undefined)[] = [DEPLOYMENTS],
) {
  const kind = new WatchedKind(DEPLOYMENTS);
  const forgotten: string[] = [];
  let found = 0;
  const sweep = createSweep({
    kubernetes: kind.kubernetes,
    discovery: {
      findAnyVersion: () => Promise.resolve(resources[Math.min(found++, resources.length - 1)]),
      forget: (apiVersion) => forgotten.push(apiVersion),
      isGone: () => Promise.resolve(isGone),
    },
    namespacesOf: () => [],
    hasFoldable: () => false,
    ...parts,
  }).begin(signal);
  return { kind, sweep, forgotten, list: () => sweep.list(DEPLOYMENT, signal) };
}

Deno.test("a sweep lists a kind once, whoever asks, and splits it by set", async () => {
  const { kind, list } = sweeping();
  kind.answers.set("", [member("a", "one"), member("b", "two"), member("c", "one")]);

  const [first, second] = await Promise.all([list(), list()]);
  const third = await list();

  assert.equal(first, second);
  assert.equal(first, third);
  assert.deepEqual(kind.lists, [""]);
  const names = [...first.members].map(([set, members]) => [set, members.map(({ name }) => name)]);
  assert.deepEqual(names, [["one", ["a", "c"]], ["two", ["b"]]]);
});

Deno.test("a sweep keeps of a member what is needed to know whether it is as it was", async () => {
  const { kind, list } = sweeping({ hasFoldable: ({ managedFields = [] }) => managedFields.length > 0 });
  const annotations = { [MANIFEST_CHECKSUM]: "0123456789abcdef".repeat(4), [OWNER_ID]: "agent", [STACK]: "stack" };
  kind.answers.set("", [
    member("a", "one", { generation: 3, annotations }),
    member("b", "one", {
      resourceVersion: "00x",
      namespace: undefined,
      deletionTimestamp: "t",
      managedFields: [{ manager: "kubectl" }],
    }),
  ]);

  const [a, b] = (await list()).members.get("one") ?? [];

  const { key, place, uid, generation, checksum, ownerId, stackId, isGoing, hasFoldable } = a ?? assert.fail();
  assert.deepEqual(JSON.parse(key), ["apps", "Deployment", "n", "a"]);
  assert.deepEqual(place, { resource: DEPLOYMENTS, namespace: "n", name: "a" });
  assert.deepEqual([uid, generation, checksum], ["uid-a", 3, "0123456789abcdef"]);
  assert.deepEqual([ownerId, stackId, isGoing, hasFoldable], ["agent", "stack", false, false]);
  assert.deepEqual(b?.place, { resource: DEPLOYMENTS, name: "b" });
  assert.deepEqual([a?.resourceVersion, b?.resourceVersion], ["1", "00x"]);
  assert.deepEqual([b?.checksum, b?.isGoing, b?.hasFoldable], [undefined, true, true]);
});

Deno.test("a sweep that may not list the whole cluster lists the namespaces of the records", async () => {
  const { kind, list } = sweeping({ namespacesOf: () => ["n", "m"] });
  kind.answers.set("", refusal(403)).set("n", [member("a", "one")]).set("m", [member("b", "one")]);

  const { members, failure } = await list();

  assert.deepEqual([members.get("one")?.length, failure, kind.lists], [2, undefined, ["", "n", "m"]]);
});

Deno.test("a sweep says which list failed, with its group, and lists that kind no more", async () => {
  const { kind, list } = sweeping({ namespacesOf: () => ["n"] });
  kind.answers.set("", refusal(403)).set("n", refusal(403));

  const { members, failure } = await list();
  await list();

  assert.deepEqual([members.size, failure], [0, "Deployment.apps: Cannot list deployments: status 403"]);
  assert.deepEqual(kind.lists, ["", "n"]);
});

Deno.test("a sweep asks for the type anew where its path is not there, once", async () => {
  const { kind, list, forgotten } = sweeping();
  kind.answers.set("", refusal(404));

  assert.match((await list()).failure ?? "", /^Deployment\.apps: .*404$/);

  assert.deepEqual([forgotten, kind.lists], [["apps/v1"], ["", ""]]);
});

Deno.test("a sweep finds nothing of a type that is gone, and does not know of one that is only not served", async () => {
  const gone = sweeping({ isGone: true }, [undefined]);
  const unserved = sweeping({}, [undefined]);

  assert.deepEqual(await gone.list(), { members: new Map() });
  assert.match((await unserved.list()).failure ?? "", /^Deployment\.apps: .* serves no version/);
});

Deno.test("who gives up waiting does not end the list for the others", async () => {
  const { promise, resolve } = Promise.withResolvers<ApiResource>();
  const discovery = { findAnyVersion: () => promise, forget: () => {}, isGone: () => Promise.resolve(false) };
  const { kind, sweep, list } = sweeping({ discovery });
  kind.answers.set("", [member("a", "one")]);
  const impatient = new AbortController();
  const given = assert.rejects(sweep.list(DEPLOYMENT, impatient.signal), { message: "enough" });
  const patient = list();

  impatient.abort(new Error("enough"));
  await given;
  await setImmediate();
  resolve(DEPLOYMENTS);

  assert.equal((await patient).members.size, 1);
});
