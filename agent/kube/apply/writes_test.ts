import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { Failure } from "$lib/error.ts";
import type { Applied, Kubernetes } from "$lib/kubernetes.ts";
import type { ObjectAction } from "$lib/wire/event.ts";
import { ManualClock } from "../../../tests/fakes/manual_clock.ts";
import { emptyTurnRecord } from "../../../tests/fakes/turn_records.ts";
import { Fights } from "../compare/fights.ts";
import type { Write } from "./judge.ts";
import { CONFIG_MAPS } from "../records/records.ts";
import { performWrites } from "./writes.ts";

function writeOf(name: string): Write {
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name } };
  const place = { resource: CONFIG_MAPS, namespace: "n", name };
  const desired = {
    ...{ key: name, groupKind: { group: "", kind: "ConfigMap" }, place, stage: 3 as const, checksum: "c" },
    ...{
      legacyChecksum: undefined,
      policies: {},
      object,
      source: "document 1",
      isOfNewType: false,
      isOfOtherServer: false,
    },
  };
  const plain = { before: undefined, isAdopted: false, how: "apply", handOver: undefined } as const;
  return { desired, object, ...plain, fields: [], isTried: true, left: [], yielded: [], takenBack: [] };
}

/** Applies ConfigMaps at an API server that answers each when it is told to, and takes two at a time. */
function writing(...names: readonly string[]) {
  const answers = new Map<string, PromiseWithResolvers<Applied>>();
  const actions: ObjectAction[] = [];
  const forgotten: string[] = [];
  const signals: (AbortSignal | undefined)[] = [];
  const kubernetes = {
    apply: ({ name }, _, { signal } = {}) => {
      const answer = Promise.withResolvers<Applied>();
      if (answers.size >= 2) { // not sent yet: the door gives it up when the signal aborts
        signal?.addEventListener("abort", () => answer.reject(signal.reason));
        return answer.promise;
      }
      answers.set(name, answer);
      signals.push(signal);
      return answer.promise;
    },
  } as Partial<Kubernetes> as Kubernetes;
  const turn = new AbortController();
  const clock = new ManualClock();
  const parts = {
    kubernetes,
    clock,
    discovery: { forget: (apiVersion: string) => forgotten.push(apiVersion) },
    record: emptyTurnRecord(),
    fights: new Fights(clock),
    isUnsettled: false,
    acted: (action: ObjectAction) => actions.push(action),
  };
  const written = performWrites(parts, names.map(writeOf), turn.signal);
  const answer = (name: string) => answers.get(name)?.resolve({ object: writeOf(name).object, isCreated: true });
  return { written, actions, answer, answers, signals, turn, forgotten };
}

Deno.test("performWrites() ends only after every write in flight when its turn is given up", async () => {
  const { written, answer, answers, turn, actions } = writing("a", "b", "c");
  let isEnded = false;
  const ended = assert.rejects(written, /given up/).finally(() => isEnded = true);
  await setImmediate();

  turn.abort(new Error("given up"));
  answer("a");
  await setImmediate();
  const wasEnded = isEnded;
  answer("b");
  await ended;

  assert.deepEqual([[...answers.keys()], wasEnded], [["a", "b"], false]);
  assert.deepEqual(actions, ["created", "created"]);
});

Deno.test("performWrites() sends no more of a wave once the API server has no time for it", async () => {
  const { written, actions, answers } = writing("a", "b", "c");
  await setImmediate();
  const busy = new Failure("kubernetes_unavailable", "Cannot apply: not now", { details: { status: 503 } });

  answers.forEach(({ reject }) => reject(busy));
  const results = await written;

  assert.deepEqual([[...answers.keys()], actions], [["a", "b"], ["failed", "failed"]]);
  assert.deepEqual(results.map(({ name }) => name), ["a", "b"]);
});

Deno.test("performWrites() lets the door know when its turn is given up, so that no write is sent again", async () => {
  const { written, answer, signals, turn } = writing("a");
  await setImmediate();

  turn.abort();
  answer("a");

  assert.deepEqual((await written).map(({ action }) => action), ["created"]);
  assert.deepEqual(signals.map((signal) => signal?.aborted), [true]);
});

Deno.test("performWrites() has a type looked for anew whose path is not there any more", async () => {
  const { written, answers, forgotten } = writing("a", "b");
  await setImmediate();
  const refusal = (status: number) => new Failure("kubernetes_rejected", "Cannot apply", { details: { status } });

  answers.get("a")?.reject(refusal(404));
  answers.get("b")?.reject(refusal(422));
  await written;

  assert.deepEqual(forgotten, ["v1"]);
});
