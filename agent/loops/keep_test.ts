import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import type { Snapshot } from "$lib/wire/snapshot.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { fakeKeptStore } from "../../tests/fakes/kept_store.ts";
import { keptCopy } from "../plan/kept_snapshot.ts";
import { Keeper } from "./keep.ts";

const DOWN = new Failure("broker_unavailable", "Cannot reach the broker: it is down");
const REFUSED = new Failure("broker_unavailable", "Cannot ask: status is 401", { details: { status: 401 } });
const FORBIDDEN = new Failure("kubernetes_rejected", "Cannot get Secret: forbidden", { details: { status: 403 } });

function snapshot(revision: number, objects: Readonly<Record<string, string>>, { paused = false } = {}): Snapshot {
  return {
    epoch: "e",
    revision,
    complete: true,
    paused,
    prune_approved: null,
    stacks: Object.entries(objects).map(([stack, id]) => ({
      stack_id: stack,
      name: stack,
      generator_id: "g",
      state: "present",
      deployment_object: { id, sequence_id: 1, checksum: `sum of ${id}`, size_bytes: 1, submitted_at: "" },
    })),
  };
}

/** A keeper of agent `a`, whose broker is there until a test takes it away. */
function keeping(store = fakeKeptStore()) {
  const clock = new ManualClock();
  const lines: string[] = [];
  const say = (message: string) => lines.push(message);
  const log: Log = { debug: say, info: say, warn: say, error: say };
  const state = {
    failure: undefined as Error | undefined,
    standby: undefined as "denied" | "mismatch" | undefined,
    fetched: 0,
    /** Characters of a bundle, at least. */
    length: 0,
  };
  const keeper = new Keeper({
    agentId: "a",
    ...{ store, clock, log },
    whyStandBy: () => state.standby,
    broker: {
      fetchBundle: ({ id }) => {
        if (state.failure !== undefined) return Promise.reject(state.failure);
        state.fetched += 1;
        return Promise.resolve(`text of ${id}`.padEnd(state.length));
      },
    },
  });
  const signal = new AbortController().signal;
  /** Runs turns as long as the keeper asks for one, at once or within `ms` milliseconds; it may not ask without end. */
  async function settle(ms = 1_000): Promise<void> {
    for (let turns = 0;; turns += 1) {
      assert.ok(turns < 20, "the keeper's turns come without end");
      const either = new AbortController();
      let isWoken = false;
      const waiting = keeper.waitForNext(either.signal).then(() => isWoken = !either.signal.aborted);
      await clock.advance(ms);
      either.abort();
      await waiting;
      if (!isWoken) return;
      await keeper.turn(signal);
    }
  }
  const object = (id: string) => ({ id, checksum: `sum of ${id}` });
  return { keeper, store, state, lines, clock, signal, settle, object };
}

Deno.test("what was believed is kept, with the bundles that turns fetched, and then nothing more is asked", async () => {
  const { keeper, store, signal, settle, object } = keeping();
  await keeper.turn(signal);
  keeper.believed(snapshot(1, { web: "o1" }));
  await keeper.fetchBundle(object("o1"), signal);
  await settle();
  assert.deepEqual(store.asked.splice(0), ["read", "list", "write", "body o1"]);

  keeper.look();
  await keeper.fetchBundle(object("o1"), signal);
  await settle();
  await keeper.turn(signal);

  assert.deepEqual(store.asked, []);
  assert.deepEqual(store.copy, keptCopy("a", snapshot(1, { web: "o1" }), undefined));
});

Deno.test("the copy is kept at once, and bundles come and go a second after the first of them", async () => {
  const { keeper, store, clock, signal, settle, object } = keeping(fakeKeptStore());
  await keeper.turn(signal);
  keeper.believed(snapshot(1, { web: "o1" }));
  await keeper.fetchBundle(object("o1"), signal);
  await settle();
  store.asked.length = 0;

  keeper.believed(snapshot(2, { web: "o2" }));
  await settle(0);
  await keeper.fetchBundle(object("o2"), signal);
  await settle(0);
  await clock.advance(999);
  keeper.believed(snapshot(3, { web: "o2", api: "o3" }));
  await settle(0);
  const early = store.asked.splice(0);
  await settle(1);

  assert.deepEqual(early, ["write", "write"]);
  assert.deepEqual(store.asked, ["body o2", "remove"]);
  assert.equal(clock.pending, 0);
});

Deno.test("bundles that are together more than a MiB do not wait in memory", async () => {
  const { keeper, store, state, signal, settle, object } = keeping();
  state.length = 600 * 1024;
  keeper.believed(snapshot(1, { web: "o1", api: "o2" }));
  await settle(0);
  store.asked.length = 0;

  await keeper.fetchBundle(object("o1"), signal);
  await settle(0);
  assert.deepEqual(store.asked, []);
  await keeper.fetchBundle(object("o2"), signal);
  await settle(0);

  assert.deepEqual(store.asked, ["body o1", "body o2"]);
});

Deno.test("bundles that are together more than four MiB are fetched once more, when it is quiet", async () => {
  const { keeper, store, state, signal, settle, object } = keeping();
  state.length = 1_500 * 1024;
  const ids = ["o1", "o2", "o3"];
  keeper.believed(snapshot(1, Object.fromEntries(ids.map((id) => [`stack of ${id}`, id]))));
  for (const id of ids) await keeper.fetchBundle(object(id), signal);
  await settle();
  const waited = store.asked.filter((one) => one.startsWith("body"));
  await keeper.turn(signal);

  assert.deepEqual([waited, store.asked.at(-1), state.fetched], [["body o1", "body o2"], "body o3", 4]);
});

Deno.test("a bundle that is larger alone waits all the same", async () => {
  const { keeper, store, state, settle, object, signal } = keeping();
  state.length = 5 * 1024 * 1024;
  keeper.believed(snapshot(1, { web: "o1" }));
  await keeper.fetchBundle(object("o1"), signal);
  await settle();

  assert.deepEqual([store.asked.at(-1), state.fetched], ["body o1", 1]);
});

Deno.test("an agent that starts anew asks what there is, and writes nothing that is there", async () => {
  const store = fakeKeptStore(keptCopy("a", snapshot(1, { web: "o1" }), undefined));
  store.bodies.set("o1", "text of o1");
  const { keeper, signal, settle, object } = keeping(store);

  keeper.believed(snapshot(1, { web: "o1" }));
  await keeper.fetchBundle(object("o1"), signal);
  await settle();
  await keeper.turn(signal);

  assert.deepEqual(store.asked, ["read", "list"]);
});

Deno.test("a quiet turn fetches the bundles that no stack's turn had to", async () => {
  const { keeper, store, state, signal, settle } = keeping();
  keeper.believed(snapshot(1, { web: "o1" }));
  await settle();
  const [early, fetchedEarly] = [[...store.bodies.keys()], state.fetched];

  await keeper.turn(signal);

  assert.deepEqual([early, fetchedEarly], [[], 0]);
  assert.deepEqual([...store.bodies], [["o1", "text of o1"]]);
});

Deno.test("a bundle that no stack names any more goes, after the copy says so", async () => {
  const { keeper, store, signal, settle, object } = keeping();
  keeper.believed(snapshot(1, { web: "o1", api: "o2" }));
  for (const id of ["o1", "o2"]) await keeper.fetchBundle(object(id), signal);
  await settle();
  store.asked.splice(0);

  keeper.believed(snapshot(2, { web: "o3" }));
  await keeper.fetchBundle(object("o3"), signal);
  await settle();

  assert.deepEqual(store.asked, ["write", "body o3", "remove"]);
  assert.deepEqual([...store.bodies.keys()], ["o3"]);
});

Deno.test("a bundle that no stack names goes, too, when nobody learned that it was written, or only a part of it", async () => {
  for (const isPart of [false, true]) {
    const { keeper, store, clock, signal, settle, object } = keeping();
    if (isPart) store.listBodies = () => Promise.resolve(new Map([["o1", false]]));
    const write = store.writeBody;
    store.writeBody = async (one, text) => {
      await write(one, text);
      throw new Failure("kubernetes_unavailable", "Cannot create Secret: the API server does not answer");
    };
    keeper.believed(snapshot(1, { web: "o1" }));
    await keeper.fetchBundle(object("o1"), signal);
    if (isPart) store.bodies.set("o1", "text");
    else {
      await keeper.turn(signal);
      await clock.advance(1_000);
      await assert.rejects(keeper.turn(signal));
    }
    store.writeBody = write;

    keeper.believed(snapshot(2, { web: "o2" }));
    await keeper.turn(signal);
    await settle();

    assert.deepEqual([...store.bodies.keys()], [], `a part: ${isPart}`);
  }
});

Deno.test("the copy says why nothing is written, and that it is over; bundles stay as they are meanwhile", async () => {
  const { keeper, store, state, signal, settle, object } = keeping();
  keeper.believed(snapshot(1, { web: "o1" }));
  await keeper.fetchBundle(object("o1"), signal);
  await settle();
  const said: unknown[] = [];
  const look = async () => {
    keeper.look();
    await settle();
    said.push([store.copy?.standby, store.isKeyRefused]);
  };

  state.standby = "denied";
  await look();
  state.standby = undefined;
  await look();
  keeper.believed(snapshot(2, {}, { paused: true }));
  await look();
  state.standby = "mismatch";
  keeper.believed(snapshot(3, {}));
  await look();

  assert.deepEqual(said, [[undefined, true], [undefined, false], ["paused", false], ["mismatch", false]]);
  assert.deepEqual([...store.bodies.keys()], ["o1"]);
});

Deno.test("an agent that was believed nothing yet notes that its key is refused, and leaves the copy as it is", async () => {
  const before = keptCopy("a", snapshot(1, { web: "o1" }, { paused: true }), "paused");
  for (const standby of ["denied", "mismatch"] as const) {
    const { keeper, store, state, settle } = keeping(fakeKeptStore(before));
    state.standby = standby;

    keeper.look();
    await settle();

    assert.deepEqual([store.copy, store.isKeyRefused], [before, true], standby);
  }
});

Deno.test("an agent that starts with a refused key has it refused until the broker says something else", async () => {
  const store = fakeKeptStore(keptCopy("a", snapshot(1, { web: "o1" }), undefined));
  store.isKeyRefused = true;
  const { keeper, signal, settle } = keeping(store);
  await keeper.turn(signal);
  const early = store.isKeyRefused;

  keeper.believed(snapshot(1, { web: "o1" }));
  await settle();

  assert.deepEqual([early, store.isKeyRefused], [true, false]);
});

Deno.test("a refused key is noted in the copy that another agent of these names makes later", async () => {
  const { keeper, store, state, signal, settle } = keeping();
  state.standby = "denied";
  keeper.look();
  await settle();
  assert.equal(store.isKeyRefused, false, "nothing is kept yet");
  store.copy = keptCopy("a", snapshot(1, { web: "o1" }), undefined);

  await keeper.turn(signal);

  assert.equal(store.isKeyRefused, true);
});

Deno.test("another agent's key leaves the copy alone, and is noted as refused for those of these names", async () => {
  for (const kept of [keptCopy("another", snapshot(1, { web: "o1" }), undefined), undefined]) {
    const { keeper, store, state, settle } = keeping(fakeKeptStore(kept));
    state.standby = "mismatch";

    keeper.believed(snapshot(9, { web: "o9" }));
    await settle();

    assert.deepEqual([store.copy, store.isKeyRefused], [kept, kept !== undefined]);
  }
});

Deno.test("bundles that wait while nothing may be written, or kept, ask for no turn after turn", async () => {
  const { keeper, store, state, settle, object } = keeping();
  keeper.believed(snapshot(1, { web: "o1" }));
  await keeper.fetchBundle(object("o1"), new AbortController().signal);
  await settle(0);

  state.standby = "denied";
  await settle(60_000);
  const asked = store.asked.splice(0);
  state.standby = undefined;
  keeper.look();
  await settle(0);
  store.failure = FORBIDDEN;
  await settle(60_000);

  assert.equal(asked.includes("body o1"), false);
  assert.equal(store.asked.filter((what) => what === "body o1").length, 1);
});

Deno.test("fetchBundle() gives the kept bundle while the broker is away, and none when it refuses", async () => {
  const store = fakeKeptStore();
  store.bodies.set("o1", "kept");
  const { keeper, state, signal, object } = keeping(store);

  state.failure = DOWN;
  assert.equal(await keeper.fetchBundle(object("o1"), signal), "kept");
  await assert.rejects(keeper.fetchBundle(object("o2"), signal), DOWN);
  state.failure = REFUSED;
  await assert.rejects(keeper.fetchBundle(object("o1"), signal), REFUSED);
});

Deno.test("a failed turn is tried again with what there was to keep", async () => {
  const { keeper, store, signal, settle, object } = keeping();
  keeper.believed(snapshot(1, { web: "o1" }));
  await keeper.fetchBundle(object("o1"), signal);
  store.failure = new Failure("kubernetes_unavailable", "Cannot list Secrets: it is down");
  await assert.rejects(keeper.turn(signal), { code: "kubernetes_unavailable" });
  await settle();
  assert.deepEqual(store.asked.splice(0), ["read"], "a failing loop is left to its back-off");

  store.failure = undefined;
  await keeper.turn(signal);
  await settle();

  assert.deepEqual(store.asked, ["read", "list", "write", "body o1"]);
});

Deno.test("a turn that makes up for a failed one is no quiet one: bundles are left to their stacks' turns still", async () => {
  const { keeper, store, state, signal } = keeping();
  keeper.believed(snapshot(1, { web: "o1" }));
  store.failure = new Failure("kubernetes_unavailable", "Cannot list Secrets: it is down");
  await assert.rejects(keeper.turn(signal), { code: "kubernetes_unavailable" });

  store.failure = undefined;
  await keeper.turn(signal);

  assert.deepEqual([state.fetched, store.copy], [0, keptCopy("a", snapshot(1, { web: "o1" }), undefined)]);
});

Deno.test("an agent that may not keep anything says so once, and does not ask at each poll", async () => {
  const { keeper, store, lines, signal, settle } = keeping();
  store.failure = FORBIDDEN;
  keeper.believed(snapshot(1, { web: "o1" }));
  await settle();
  keeper.look();
  await settle();
  assert.deepEqual([store.asked.length, lines.length], [1, 1]);

  await keeper.turn(signal);

  assert.deepEqual([store.asked.length, lines.length], [2, 1]);
});
