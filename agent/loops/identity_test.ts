import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import type { BrokerIdentity } from "../broker_client.ts";
import { Identity } from "./identity.ts";

const EXPECTED = { name: "edge", clusterName: "prod", generatorIds: [] as string[] };
const FOUND: BrokerIdentity = { id: "id", name: "edge", clusterName: "prod" };

/** An identity whose broker gives `found` in order, the last one for ever. */
function identity(found: readonly BrokerIdentity[], { generatorIds = [] as string[], refusals = [] as Error[] } = {}) {
  const answers = [...found];
  const registered: string[] = [];
  const lines: string[] = [];
  const silent = () => {};
  const say = (message: string) => lines.push(message);
  const log: Log = { debug: silent, info: say, warn: say, error: say };
  const one = new Identity({
    broker: {
      identify: () => Promise.resolve((answers.length > 1 ? answers.shift() : answers[0]) ?? FOUND),
      register: ({ generatorId }) => {
        const refusal = refusals.shift();
        if (refusal !== undefined) return Promise.reject(refusal);
        registered.push(generatorId);
        return Promise.resolve();
      },
    },
    log,
    expected: { ...EXPECTED, generatorIds },
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
