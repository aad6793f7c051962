import assert from "node:assert/strict";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { HeldRequests, type WaitEnding } from "./held_requests.ts";

/** Requests that are held over revisions which a test changes; `endings` hears each that ends, in order. */
function holding(wakeSpreadMs = 2_000) {
  const clock = new ManualClock();
  const shown: number[] = [];
  const held = new HeldRequests({
    ...{ clock, wakeSpreadMs, random: () => 0.5, inFlight: () => 0 },
    held: { record: (count) => void shown.push(count) },
  });
  const revisions = new Map<string, number>();
  const endings: WaitEnding[] = [];
  const read = (agentId: string) => () => Promise.resolve(revisions.get(agentId) ?? 1);
  async function wait(agentId: string, { signal = new AbortController().signal, waitMs = 25_000 } = {}) {
    endings.push(await held.wait({ agentId, since: 1, waitMs, signal }, read(agentId)));
  }
  /** Raises the revisions of these agents, and tells of it. */
  function change(...agentIds: readonly string[]): void {
    for (const id of agentIds) revisions.set(id, 2);
    held.changed(agentIds);
  }
  return { clock, held, shown, revisions, endings, wait, change };
}

Deno.test("HeldRequests answers at once where the revision is another one already", async () => {
  const { clock, endings, revisions, wait } = holding();
  revisions.set("a", 7);

  await wait("a");

  assert.deepEqual(endings, [{ kind: "changed", revision: 7 }]);
  assert.equal(clock.pending, 0);
});

Deno.test("HeldRequests answers those whose agents changed, and has the others wait until their time is over", async () => {
  const { clock, endings, wait, change } = holding();
  const both = [wait("a"), wait("b", { waitMs: 5_000 })];
  await clock.settle();

  change("a");
  await clock.settle();
  const [first] = endings.splice(0);
  await clock.advance(4_999);
  const early = endings.length;
  await clock.advance(1);
  await Promise.all(both);

  assert.deepEqual([first, early, ...endings], [{ kind: "changed", revision: 2 }, 0, { kind: "over" }]);
  assert.equal(clock.pending, 0);
});

Deno.test("HeldRequests misses no change that falls between the registration and the first read", async () => {
  const { clock, held } = holding();
  const [revisions, reads] = [[1, 2], Promise.withResolvers<void>()];

  const waited = held.wait(
    { agentId: "a", since: 1, waitMs: 25_000, signal: new AbortController().signal },
    async () => {
      const revision = revisions.shift() ?? 0;
      held.changed(["a"]);
      await reads.promise;
      return revision;
    },
  );
  reads.resolve();

  assert.deepEqual(await waited, { kind: "changed", revision: 2 });
  assert.equal(clock.pending, 0);
});

Deno.test("HeldRequests goes on waiting where the revision is the same after all, within the same time", async () => {
  const { clock, endings, held, wait } = holding();
  const waited = wait("a");
  await clock.advance(20_000);

  held.allChanged();
  await clock.advance(4_999);
  const early = endings.length;
  await clock.advance(1);
  await waited;

  assert.deepEqual([early, ...endings], [0, { kind: "over" }]);
});

Deno.test("HeldRequests answers many that wait for one change in turn, with one timer more than there are requests", async () => {
  const { clock, endings, held, wait, change } = holding(5_000);
  const ids = Array.from({ length: 200 }, (_, index) => `agent ${index}`);
  const all = ids.map((id) => wait(id));
  await clock.settle();

  change(...ids.slice(0, 100));
  change(...ids.slice(100));
  await clock.settle();
  const atOnce = endings.length;
  const timers = clock.pending;
  await clock.advance(100);
  const later = endings.length;
  held.stop();
  await Promise.all(all);

  assert.deepEqual([atOnce, timers, later], [20, 181, 120]);
  assert.deepEqual(Map.groupBy(endings, ({ kind }) => kind).get("stopping")?.length, 80);
  assert.equal(clock.pending, 0);
});

Deno.test("HeldRequests answers who was just woken that it stops", async () => {
  const { clock, endings, held, wait } = holding();
  const waited = wait("a");
  await clock.settle();

  held.allChanged();
  held.stop();
  await waited;

  assert.deepEqual(endings, [{ kind: "stopping", retryAfterSeconds: 6 }]);
});

Deno.test("HeldRequests answers everybody at once when it stops, and whoever comes then", async () => {
  const { clock, endings, held, wait } = holding();
  const both = [wait("a"), wait("b")];
  await clock.settle();

  held.stop();
  await Promise.all([...both, wait("c")]);

  assert.deepEqual(endings, Array(3).fill({ kind: "stopping", retryAfterSeconds: 6 }));
  assert.equal(clock.pending, 0);
});

Deno.test("HeldRequests keeps nothing of a client that left, and shows how many are held", async () => {
  const { clock, shown, wait } = holding();
  const leaving = new AbortController();
  const both = [wait("a", { signal: leaving.signal }), wait("b")];
  await clock.settle();

  leaving.abort();
  await both[0];
  const pending = clock.pending;
  await clock.advance(25_000);
  await both[1];

  assert.deepEqual(shown, [1, 2, 1, 0]);
  assert.equal(pending, 1);
});

Deno.test("HeldRequests ends what waits for an agent whose key has ended, and the oldest of too many of one agent", async () => {
  const { clock, endings, held, wait } = holding();
  const all = [wait("other"), ...Array.from({ length: 5 }, () => wait("a"))];
  await clock.settle();

  const ofTooMany = endings.length;
  held.end("a");
  await clock.settle();

  assert.deepEqual([ofTooMany, endings.length, clock.pending], [1, 5, 1]);
  held.stop();
  await Promise.all(all);
});

Deno.test("HeldRequests ends a wait by what reading throws", async () => {
  const { clock, held } = holding();
  const waiting = { agentId: "a", since: 1, waitMs: 25_000, signal: new AbortController().signal };

  await assert.rejects(held.wait(waiting, () => Promise.reject(new Error("away"))), { message: "away" });

  assert.equal(clock.pending, 0);
});
