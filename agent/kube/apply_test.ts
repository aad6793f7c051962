import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { Failure } from "$lib/error.ts";
import type { Applied, Kubernetes } from "$lib/kubernetes.ts";
import type { ObjectAction } from "$lib/wire/event.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { applyWrites } from "./apply.ts";
import type { Write } from "./check.ts";
import { createDiscovery } from "./discovery.ts";
import { createLimiter } from "./limiter.ts";
import { createAppliedMemory } from "./memory.ts";
import { CONFIG_MAPS } from "./parents.ts";

const SET = { id: "set", stackId: "s", agentId: "a" };

function writeOf(name: string): Write {
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name } };
  const place = { resource: CONFIG_MAPS, namespace: "n", name };
  const groupKind = { group: "", kind: "ConfigMap" };
  const desired = { key: name, groupKind, place, checksum: "c", object, source: "document 1", isOfNewType: false };
  return { desired, object, before: undefined };
}

/** Applies ConfigMaps, two at a time, at an API server that answers each when it is told to. */
function applying(...names: readonly string[]) {
  const answers = new Map<string, PromiseWithResolvers<Applied>>();
  const actions: ObjectAction[] = [];
  const signals: (AbortSignal | undefined)[] = [];
  const kubernetes = {
    apply: ({ name }, _, { signal } = {}) => {
      const answer = Promise.withResolvers<Applied>();
      answers.set(name, answer);
      signals.push(signal);
      return answer.promise;
    },
  } as Partial<Kubernetes> as Kubernetes;
  const turn = new AbortController();
  const parts = {
    kubernetes,
    discovery: createDiscovery(kubernetes),
    clock: new ManualClock(),
    limiter: createLimiter(2),
    memory: createAppliedMemory(),
    set: SET,
    acted: (action: ObjectAction) => actions.push(action),
  };
  const applied = applyWrites(parts, { writes: names.map(writeOf), desired: [] }, turn.signal);
  const answer = (name: string) => answers.get(name)?.resolve({ object: writeOf(name).object, isCreated: true });
  return { applied, actions, answer, answers, signals, turn };
}

Deno.test("applyWrites() ends only after every write in flight when its turn is given up", async () => {
  const { applied, answer, answers, turn } = applying("a", "b", "c");
  let isEnded = false;
  const ended = assert.rejects(applied, /given up/).finally(() => isEnded = true);
  await setImmediate();

  turn.abort(new Error("given up"));
  answer("a");
  await setImmediate();
  const wasEnded = isEnded;
  answer("b");
  await ended;

  assert.deepEqual([[...answers.keys()], wasEnded], [["a", "b"], false]);
});

Deno.test("applyWrites() says what was done to each object, though its turn is given up", async () => {
  const { applied, actions, answer, turn } = applying("a", "b", "c");
  const ended = assert.rejects(applied, /given up/);
  await setImmediate();

  turn.abort(new Error("given up"));
  answer("a");
  answer("b");
  await ended;

  assert.deepEqual(actions, ["created", "created"]);
});

Deno.test("applyWrites() tries no more of a wave once the API server has no time for it", async () => {
  const { applied, actions, answers } = applying("a", "b", "c");
  await setImmediate();
  const busy = new Failure("kubernetes_unavailable", "Cannot apply: not now", { details: { status: 503 } });

  answers.forEach(({ reject }) => reject(busy));
  await applied;

  assert.deepEqual([[...answers.keys()], actions], [["a", "b"], ["failed", "failed"]]);
});

Deno.test("applyWrites() lets the door know when its turn is given up, so that no write is sent again", async () => {
  const { applied, answer, signals, turn } = applying("a");
  await setImmediate();

  turn.abort();
  answer("a");

  assert.deepEqual((await applied).map(({ action }) => action), ["created"]);
  assert.deepEqual(signals.map((signal) => signal?.aborted), [true]);
});
