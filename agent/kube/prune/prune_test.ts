import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { Failure } from "$lib/error.ts";
import { FIELD_MANAGER, type Kubernetes, type KubernetesObject, type ObjectMeta } from "$lib/kubernetes.ts";
import type { ObjectAction } from "$lib/wire/event.ts";
import { ManualClock } from "../../../tests/fakes/manual_clock.ts";
import { createDiscovery } from "../discovery.ts";
import type { Member } from "../records/members.ts";
import { OWNER_ID } from "../names.ts";
import { Claims } from "../../plan/claims.ts";
import { prune, type PruneItem } from "./prune.ts";
import { CONFIG_MAPS } from "../records/records.ts";
import { emptyTurnRecord } from "../../../tests/fakes/turn_records.ts";

const SET = { id: "set", stackId: "s", agentId: "a" };

function itemOf(name: string): PruneItem {
  const meta: ObjectMeta = {
    name,
    uid: `uid-${name}`,
    annotations: { [OWNER_ID]: SET.agentId },
    managedFields: [{ manager: FIELD_MANAGER, operation: "Apply" }],
  };
  const groupKind = { group: "", kind: "ConfigMap" };
  const member: Member = { key: name, groupKind, place: { resource: CONFIG_MAPS, namespace: "n", name }, meta };
  return { member, how: "unwanted" };
}

function partsOver(kubernetes: Partial<Kubernetes>, actions: ObjectAction[] = []) {
  const door = kubernetes as Kubernetes;
  return {
    kubernetes: door,
    clock: new ManualClock({ skipsSleeps: true }),
    discovery: createDiscovery(door),
    set: SET,
    record: emptyTurnRecord(),
    claims: new Claims(),
    ignoreInNamespaces: [],
    approval: undefined,
    acted: (action: ObjectAction) => actions.push(action),
  };
}

Deno.test("prune() ends only after every write in flight when its turn is given up, and tells the door", async () => {
  const answers = new Map<string, PromiseWithResolvers<"gone">>();
  const actions: ObjectAction[] = [];
  const signals: (AbortSignal | undefined)[] = [];
  const parts = partsOver({
    delete: ({ name }, _, signal) => {
      const answer = Promise.withResolvers<"gone">();
      answers.set(name, answer);
      signals.push(signal);
      return answer.promise;
    },
  }, actions);
  const turn = new AbortController();
  let isEnded = false;
  const pruned = prune(parts, ["a", "b"].map(itemOf), turn.signal);
  const ended = pruned.finally(() => isEnded = true);
  await setImmediate();

  turn.abort(new Error("given up"));
  answers.get("a")?.resolve("gone");
  await setImmediate();
  const wasEnded = isEnded;
  answers.get("b")?.resolve("gone");
  await ended;

  assert.equal(wasEnded, false);
  assert.deepEqual(signals.map((signal) => signal?.aborted), [true, true]);
  assert.deepEqual(actions, ["deleted", "deleted"]);
});

/** What comes of ConfigMap "a", to leave so, when the API server refuses that, and then has this under its name. */
async function afterRefusal(uid: string | undefined, how: PruneItem["how"] = "unwanted") {
  const found: KubernetesObject = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", uid } };
  const refuse = (status: number) => () => {
    const details = { status, reason: "", message: "a webhook says no" };
    return Promise.reject(new Failure("kubernetes_rejected", "Cannot do it", { details }));
  };
  const get = () => Promise.resolve(uid === undefined ? undefined : found);
  const parts = partsOver({ get, delete: refuse(409), patch: refuse(422) });
  const { results } = await prune(parts, [{ ...itemOf("a"), how }], new AbortController().signal);
  return results.map(({ action, error }) => error === undefined ? action : `${action}: ${error}`);
}

Deno.test("prune() takes a refusal for a deletion only when another object, or none, has the name by now", async () => {
  for (const how of ["unwanted", "released", "kept"] as const) {
    const gone = how === "unwanted" ? ["deleted"] : []; // it was not to be deleted, and was not by us
    assert.deepEqual(await afterRefusal(undefined, how), gone);
    assert.deepEqual(await afterRefusal("uid-other", how), gone);
    assert.deepEqual(await afterRefusal("uid-a", how), ["failed: a webhook says no"]);
  }
});

Deno.test("prune() has a type looked for anew whose path is not there any more", async () => {
  const refusal = new Failure("kubernetes_rejected", "Cannot delete", { details: { status: 405 } });
  const parts = partsOver({ delete: () => Promise.reject(refusal) });
  const forgotten: string[] = [];
  const discovery = { ...parts.discovery, forget: (apiVersion: string) => forgotten.push(apiVersion) };

  await prune({ ...parts, discovery }, [itemOf("a")], new AbortController().signal);

  assert.deepEqual(forgotten, ["v1"]);
});

Deno.test("prune() says nothing of what went by itself before it lost our marks", async () => {
  const parts = partsOver({ patch: () => Promise.resolve(undefined) });

  const { results, awaited, going } = await prune(
    parts,
    [{ ...itemOf("a"), how: "released" }],
    new AbortController().signal,
  );

  assert.deepEqual([results, awaited, going], [[], [], []]);
});

Deno.test("prune() leaves what another stack wants by the time that its wave comes, whatever it was to become", async () => {
  for (const how of ["unwanted", "released", "kept"] as const) {
    const deleted: string[] = [];
    const parts = partsOver({
      delete: ({ name }) => {
        deleted.push(name);
        parts.claims.plan([{ id: "b", name: "other", object: { id: "o", sequenceId: 2 } }]);
        parts.claims.know("b", { deploymentObjectId: "o", keys: ["taken"] });
        return Promise.resolve("gone");
      },
    });
    const first = itemOf("first");
    const groupKind = { group: "apps", kind: "Deployment" };
    const items = [{ ...itemOf("taken"), how }, { ...first, member: { ...first.member, groupKind } }];

    const { awaited, results, untried } = await prune(parts, items, new AbortController().signal);

    assert.deepEqual(deleted, ["first"]);
    assert.deepEqual(awaited.map(({ member, by }) => [member.key, by]), [["taken", "other"]]);
    assert.deepEqual([results.length, untried], [1, 0]);
  }
});

Deno.test("prune() asks no more for the end of what another stack comes to want between two tries", async () => {
  const parts = partsOver({
    delete: (_, __, signal) => {
      const tried = Promise.withResolvers<never>();
      signal?.addEventListener("abort", () => tried.reject(signal.reason));
      parts.claims.plan([{ id: "b", name: "other", object: { id: "o", sequenceId: 2 } }]);
      return tried.promise;
    },
  });

  const { awaited, results } = await prune(parts, [itemOf("a")], new AbortController().signal);

  assert.deepEqual(awaited.map(({ member, by, isChanged }) => [member.key, by, isChanged]), [[
    "a",
    undefined,
    undefined,
  ]]);
  assert.deepEqual(results, []);
});

/**
 * What comes of ConfigMap "a", to leave so, which is at version 1 when that is decided, and then is changed so each
 * time.
 */
async function whileChanging(change: (version: number) => Partial<ObjectMeta>, how: PruneItem["how"] = "unwanted") {
  const item = itemOf("a");
  const metaAt = (version: number) => ({ ...item.member.meta, resourceVersion: String(version), ...change(version) });
  let version = 1;
  const asked: (string | undefined)[] = [];
  const write = (resourceVersion: string | undefined, is: "gone") => {
    asked.push(resourceVersion);
    if (resourceVersion === "3") return Promise.resolve(is);
    version += 1;
    const details = { status: 409, reason: "Conflict", message: "the object might have been modified" };
    return Promise.reject(new Failure("kubernetes_rejected", "Cannot do it", { details }));
  };
  const object = (): KubernetesObject => ({ apiVersion: "v1", kind: "ConfigMap", metadata: metaAt(version) });
  const parts = partsOver({
    get: () => Promise.resolve(object()),
    delete: (_, { resourceVersion }) => write(resourceVersion, "gone"),
    patch: (_, body) => write((body as KubernetesObject).metadata.resourceVersion, "gone").then(object),
  });
  const member = { ...item.member, meta: { ...item.member.meta, resourceVersion: "1" } };
  const { results, awaited } = await prune(parts, [{ member, how }], new AbortController().signal);
  return { asked, actions: results.map(({ action }) => action), isChanged: awaited.map(({ isChanged }) => isChanged) };
}

Deno.test("prune() takes an object out as it was decided about, whatever else of it changes meanwhile", async () => {
  const asked = ["1", "2", "3"];

  assert.deepEqual(await whileChanging(() => ({})), { asked, actions: ["deleted"], isChanged: [] });
  assert.deepEqual(await whileChanging(() => ({}), "kept"), { asked, actions: ["kept"], isChanged: [] });
});

Deno.test("prune() leaves an object to the next turn that got other marks or owners since it was decided about", async () => {
  const changes: Partial<ObjectMeta>[] = [
    { annotations: { [OWNER_ID]: SET.agentId, other: "value" } },
    { labels: { other: "value" } },
    { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: "u", controller: true }] },
  ];
  for (const how of ["unwanted", "released", "kept"] as const) {
    for (const change of changes) {
      const changed = await whileChanging((version) => version > 1 ? change : {}, how);

      assert.deepEqual(changed, { asked: ["1"], actions: [], isChanged: [true] });
    }
  }
});

Deno.test("prune() looks past what a controller of Kubernetes writes beside its object's status", async () => {
  const annotations = { [OWNER_ID]: SET.agentId, "deployment.kubernetes.io/revision": "2" };

  const { asked, isChanged } = await whileChanging((version) => version > 1 ? { annotations } : {}, "unwanted");

  assert.deepEqual([asked.length > 1, isChanged], [true, []]);
});
