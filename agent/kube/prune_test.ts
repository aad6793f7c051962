import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { Failure } from "$lib/error.ts";
import { FIELD_MANAGER, type Kubernetes, type KubernetesObject, type ObjectMeta } from "$lib/kubernetes.ts";
import type { ObjectAction } from "$lib/wire/event.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { createDiscovery } from "./discovery.ts";
import type { Member } from "./members.ts";
import { OWNER_ID } from "./names.ts";
import { type Leaving, prune } from "./prune.ts";
import { CONFIG_MAPS } from "./records.ts";
import { emptyTurnRecord } from "../../tests/fakes/turn_records.ts";

const SET = { id: "set", stackId: "s", agentId: "a" };

function leaving(name: string): Leaving {
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
    clock: new ManualClock(),
    discovery: createDiscovery(door),
    set: SET,
    record: emptyTurnRecord(),
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
  const pruned = prune(parts, ["a", "b"].map(leaving), turn.signal);
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

/** What comes of deleting ConfigMap "a" when the API server answers with 409, and then has this under its name. */
async function afterConflict(uid: string | undefined) {
  const found: KubernetesObject = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", uid } };
  const details = { status: 409, reason: "Conflict", message: "a webhook says no" };
  const parts = partsOver({
    delete: () => Promise.reject(new Failure("kubernetes_rejected", "Cannot delete", { details })),
    get: () => Promise.resolve(uid === undefined ? undefined : found),
  });
  const { results } = await prune(parts, [leaving("a")], new AbortController().signal);
  return results.map(({ action, error }) => error === undefined ? action : `${action}: ${error}`);
}

Deno.test("prune() takes a conflict for a deletion only when another object, or none, has the name by now", async () => {
  assert.deepEqual(await afterConflict(undefined), ["deleted"]);
  assert.deepEqual(await afterConflict("uid-other"), ["deleted"]);
  assert.deepEqual(await afterConflict("uid-a"), ["failed: a webhook says no"]);
});
