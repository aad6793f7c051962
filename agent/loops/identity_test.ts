import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import { fakeKeptStore } from "../../tests/fakes/kept_store.ts";
import type { BrokerIdentity } from "../broker_client.ts";
import type { KeptCopy } from "../plan/kept_snapshot.ts";
import { Identity } from "./identity.ts";

const EXPECTED = { name: "edge", clusterName: "prod", generatorIds: [] as string[] };
const FOUND: BrokerIdentity = { id: "id", name: "edge", clusterName: "prod" };

/** An identity whose broker gives `found` in order, the last one for ever. */
function identity(
  found: readonly (BrokerIdentity | Error)[],
  { generatorIds = [] as string[], refusals = [] as Error[], kept = fakeKeptStore() } = {},
) {
  const answers = [...found];
  const registered: string[] = [];
  const lines: string[] = [];
  const silent = () => {};
  const say = (message: string) => lines.push(message);
  const log: Log = { debug: silent, info: say, warn: say, error: say };
  const one = new Identity({
    broker: {
      identify: async () => {
        const answer = await Promise.resolve((answers.length > 1 ? answers.shift() : answers[0]) ?? FOUND);
        if (answer instanceof Error) throw answer;
        return answer;
      },
      register: ({ generatorId }) => {
        const refusal = refusals.shift();
        if (refusal !== undefined) return Promise.reject(refusal);
        registered.push(generatorId);
        return Promise.resolve();
      },
    },
    log,
    expected: { ...EXPECTED, generatorIds },
    kept,
  });
  return { one, registered, lines, signal: new AbortController().signal };
}

Deno.test("turn() finds the id, registers with the generators, and is settled", async () => {
  const { one, registered, signal } = identity([FOUND], { generatorIds: ["g1", "g2"] });
  assert.equal(one.isSettled, false);

  await one.turn(signal);

  assert.equal(await one.id, "id");
  assert.deepEqual([one.mismatch, one.isSettled, registered], [undefined, true, ["g1", "g2"]]);
});

Deno.test("turn() names what differs, once, and finds that it differs no more", async () => {
  const other = { ...FOUND, name: "core", clusterName: "test" };
  const { one, lines, signal } = identity([other, other, FOUND]);

  await one.turn(signal);
  assert.equal(
    one.mismatch,
    'agent_name is "edge" here and "core" at the broker, cluster_name is "prod" here and "test" at the broker',
  );
  assert.equal(one.isSettled, false);
  await one.turn(signal);
  assert.equal(lines.length, 1);
  await one.turn(signal);

  assert.equal(one.mismatch, undefined);
  assert.equal(one.isSettled, true);
});

Deno.test("turn() keeps the first id, and takes another agent's key for a mismatch", async () => {
  const { one, signal } = identity([{ ...FOUND, name: "core" }, { ...FOUND, id: "other" }]);

  await one.turn(signal);
  await one.turn(signal);

  assert.equal(await one.id, "id");
  assert.equal(one.mismatch, 'agent id is "id" here and "other" at the broker');
});

Deno.test("turn() goes on past a registration that the broker refuses, and tries it again next time", async () => {
  const refusals = [new Failure("broker_rejected", "Cannot register: status is 404")];
  const { one, registered, lines, signal } = identity([FOUND], { generatorIds: ["g1", "g2"], refusals });

  await one.turn(signal);
  assert.deepEqual([registered, lines.length, one.isSettled], [["g2"], 1, false]);
  await one.turn(signal);

  assert.deepEqual([registered, one.isSettled], [["g2", "g1"], true]);
});

Deno.test("turn() says of a registration that the broker refuses when that is new, not each time", async () => {
  const refusals = ["404", "404", "422"].map((status) => new Failure("broker_rejected", `status is ${status}`));
  const { one, lines, signal } = identity([FOUND], { generatorIds: ["g1"], refusals });

  const counts: number[] = [];
  for (let turns = 0; turns < 4; turns += 1) {
    await one.turn(signal);
    counts.push(lines.length);
  }

  assert.deepEqual(counts, [1, 1, 2, 2]);
});

Deno.test("turn() rejects when the broker is away while registering", async () => {
  const refusals = [new Failure("broker_unavailable", "Cannot register: it is down")];
  const { one, signal } = identity([FOUND], { generatorIds: ["g1"], refusals });

  await assert.rejects(one.turn(signal), { code: "broker_unavailable" });
});

const COPY: KeptCopy = { agentId: "kept", epoch: "e", revision: 1, stacks: [] };
const DOWN = new Failure("broker_unavailable", "Cannot ask: no answer came");
const REFUSED = new Failure("broker_unavailable", "Cannot ask: status is 401", { details: { status: 401 } });

Deno.test("turn() takes the id from what is kept while the broker is away, and is not settled by that", async () => {
  const { one, signal } = identity([DOWN, { ...FOUND, id: "kept" }], { kept: fakeKeptStore(COPY) });

  await assert.rejects(one.turn(signal), DOWN);
  assert.deepEqual([await one.id, one.kept, one.isSettled, one.mismatch], [
    "kept",
    { ...COPY, isKeyRefused: false },
    false,
    undefined,
  ]);
  await one.turn(signal);

  assert.deepEqual([one.isSettled, one.mismatch], [true, undefined]);
});

Deno.test("turn() leaves what is kept of an agent that the broker does not name, and is the one that it names", async () => {
  const { one, signal } = identity([DOWN, FOUND, { ...FOUND, id: "other" }], { kept: fakeKeptStore(COPY) });

  await assert.rejects(one.turn(signal), DOWN);
  const early = [await one.id, one.replaced.aborted];
  await one.turn(signal);
  const then = [await one.id, one.replaced.aborted, one.kept, one.mismatch, one.isSettled];
  await one.turn(signal);

  assert.deepEqual(early, ["kept", false]);
  assert.deepEqual(then, ["id", true, undefined, undefined, true]);
  assert.equal(one.mismatch, 'agent id is "id" here and "other" at the broker');
});

Deno.test("turn() acts as another agent until the broker is back, when it named it otherwise before", async () => {
  const { one, signal } = identity([DOWN, { ...FOUND, id: "kept" }], {
    kept: fakeKeptStore({ ...COPY, standby: "mismatch" }),
  });

  await assert.rejects(one.turn(signal), DOWN);
  assert.match(one.mismatch ?? "", /when it was heard last/);
  await one.turn(signal);

  assert.equal(one.mismatch, undefined);
});

Deno.test("turn() takes no id from what is kept when the broker refuses the key, and notes that there", async () => {
  const kept = fakeKeptStore(COPY);
  const { one, signal } = identity([REFUSED, DOWN], { kept });

  await assert.rejects(one.turn(signal), REFUSED);
  const [early, noted] = [one.kept, kept.isKeyRefused];
  await assert.rejects(one.turn(signal), DOWN);

  assert.deepEqual([early, noted], [undefined, true]);
  assert.deepEqual(one.kept, { ...COPY, isKeyRefused: true });
});

Deno.test("turn() waits for the broker where nothing is kept, or nobody can look", async () => {
  const kept = fakeKeptStore();
  const { one, lines, signal } = identity([DOWN, DOWN, FOUND], { kept });

  await assert.rejects(one.turn(signal), DOWN);
  kept.failure = new Failure("kubernetes_unavailable", "Cannot get Secret: it is down");
  await assert.rejects(one.turn(signal), DOWN);
  await one.turn(signal);

  assert.deepEqual([await one.id, one.kept, lines], ["id", undefined, ["cannot look at what is kept in the cluster"]]);
});
