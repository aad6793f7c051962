import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { runningLoops as running, withoutHealth } from "../../tests/fakes/running_loops.ts";

const OTHER = "22222222-2222-4222-8222-222222222222";
const START_MS = new ManualClock().now();
Deno.test("the loops deliver what the broker wants, and report it", async () => {
  const { clock, state, end } = running();

  await clock.advance(1_000);

  assert.equal(state.applies, 1);
  const said = state.events.map(({ stack_id, state, health }) => [stack_id, state, health?.status]);
  assert.deepEqual(said, [["s", "applied", undefined], ["s", "applied", "healthy"]]);
  await end();
  assert.equal(clock.pending, 0);
});

Deno.test("an unchanged snapshot changes nothing, however often it is polled", async () => {
  const { clock, state, end } = running();

  await clock.advance(29_000);

  assert.deepEqual([state.applies, withoutHealth(state).length], [1, 1]);
  await end();
});

Deno.test("a change that the broker tells of is polled for at once, and counts as no heartbeat", async () => {
  const { clock, state, end } = running();
  await clock.advance(3_000);
  const { polls, beats } = state;

  state.revision = 2;
  state.change.resolve();
  await clock.advance(100);

  assert.deepEqual([state.polls, state.beats], [polls + 1, beats]);
  await end();
  assert.equal(clock.pending, 0);
});

Deno.test("a slow apply delays no heartbeat", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { clock, state, end } = running({ apply: promise });

  await clock.advance(55_000);

  assert.deepEqual([state.applies, state.beats], [1, 6]);
  resolve();
  await end();
});

Deno.test("an agent started without a broker waits, and catches up when it comes", async () => {
  const { clock, state, end } = running({ isBrokerUp: false });
  await clock.advance(30_000);
  assert.deepEqual([state.applies, state.beats], [0, 0]);

  state.isBrokerUp = true;
  await clock.advance(60_000);

  assert.equal(state.events[0]?.state, "applied");
  await end();
});

Deno.test("an agent that lost its broker goes on comparing its stacks with the cluster", async () => {
  const { clock, state, end } = running();
  await clock.advance(1_000);

  state.isBrokerUp = false;
  await clock.advance(90_000);

  assert.equal(state.applies, 4);
  await end();
});

Deno.test("an agent with another name than at the broker writes nothing, until the broker calls it so", async () => {
  const { clock, state, end } = running({ nameAtBroker: "core" });
  await clock.advance(60_000);
  assert.deepEqual([state.applies, state.beats > 0], [0, true]);

  state.nameAtBroker = "edge";
  await clock.advance(30_000);

  assert.equal(state.applies > 0, true);
  await end();
});

Deno.test("ending waits for the object in hand, but not for ever", async () => {
  const { clock, state, stop, ended } = running({ apply: new Promise(() => {}) });
  await clock.advance(1_000);
  let hasEnded = false;
  ended.then(() => hasEnded = true);
  stop.abort();
  await clock.advance(7_000);
  assert.deepEqual([state.applies, hasEnded], [1, false]);

  await clock.advance(2_000);

  assert.equal(hasEnded, true);
});

Deno.test("ending sends the reports though an object in hand does not end", async () => {
  const { clock, state, stop, ended } = running({ apply: new Promise(() => {}) });
  await clock.advance(500);
  state.isBrokerUp = false;
  await clock.advance(1_000);
  stop.abort();
  await clock.advance(7_000);
  state.isBrokerUp = true;
  await clock.advance(3_000);
  await ended;

  assert.deepEqual(state.events.map(({ state }) => state), ["applying"]);
});

Deno.test("ending sends the reports that the broker takes", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { clock, state, end } = running({ apply: promise });
  await clock.advance(500);
  state.isBrokerUp = false;
  resolve();
  await clock.advance(500);
  assert.deepEqual(state.events, []);

  state.isBrokerUp = true;
  await end();

  assert.deepEqual(state.events.map(({ state }) => state), ["applied"]);
});

Deno.test("ending does not wait for a broker that answers no report", async () => {
  const { clock, state, stop, ended } = running({ isSilentOnReports: true });
  await clock.advance(5_000);
  let isOver = false;
  ended.then(() => isOver = true);

  stop.abort();
  await clock.advance(9_999);
  const before = isOver;
  await clock.advance(1);

  assert.deepEqual([before, isOver, state.events], [false, true, []]);
});

Deno.test("ending does not wait for an API server that does not answer", async () => {
  const list = (signal?: AbortSignal) =>
    new Promise<void>((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
  const { clock, state, end } = running({ list });
  await clock.advance(1_000);

  await end();

  assert.deepEqual([state.applies, clock.now() - START_MS], [0, 1_000]);
});

Deno.test("a broker with another database hears of every stack anew", async () => {
  const { clock, state, end } = running();
  await clock.advance(1_000);

  state.etag = OTHER;
  await clock.advance(15_000);

  const said = state.events.map(({ state, health }) => [state, health?.status]);
  assert.deepEqual(said, [["applied", undefined], ["applied", "healthy"], ["applied", "healthy"]]);
  await end();
});

Deno.test("the broker is asked who this is until all is as it should be, and then no more", async () => {
  const { clock, state, end } = running({ isBrokerUp: false });
  await clock.advance(500);
  state.isBrokerUp = true;

  await clock.advance(60_000);

  assert.equal(state.questions, 2);
  await end();
});

Deno.test("a restarted agent says how many objects it manages, and what is held, once it has planned and looked", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { clock, end, gauges } = running({ inventory: ["s", "gone"], list: () => promise });
  await clock.advance(1_000);
  const before = await gauges();

  resolve();
  await clock.advance(1_000);

  assert.deepEqual(before, ["brokkr_agent_reports_pending 0"]);
  assert.deepEqual(await gauges(), [
    "brokkr_agent_managed_objects 4",
    "brokkr_agent_prunes_blocked 1",
    "brokkr_agent_reports_pending 0",
  ]);
  await end();
});

Deno.test("a paused agent says nothing of what it does not look at", async () => {
  const { clock, end, gauges } = running({ inventory: ["s", "gone"], isPaused: true });

  await clock.advance(60_000);

  assert.deepEqual(await gauges(), ["brokkr_agent_reports_pending 0"]);
  await end();
});

Deno.test("an agent that can't list its inventories says no number of objects until it can", async () => {
  const { clock, state, end, gauges } = running({ inventory: ["s"] });
  await clock.advance(1_000);
  const seen = [await gauges()];
  state.list = () => Promise.reject(new Failure("kubernetes_unavailable", "Cannot list: it is down"));
  await clock.advance(30_000);
  seen.push(await gauges());

  state.list = () => Promise.resolve();
  await clock.advance(15_000);

  const managed = [...seen, await gauges()].map((lines) => lines.filter((line) => line.includes("managed_objects")));
  assert.deepEqual(managed, [["brokkr_agent_managed_objects 2"], [], ["brokkr_agent_managed_objects 2"]]);
  await end();
});

Deno.test("a report that the broker does not take is pending until it does", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { clock, state, end, gauges } = running({ apply: promise });
  await clock.advance(500);
  state.isBrokerUp = false;
  resolve();
  await clock.advance(500);
  const away = await gauges();

  state.isBrokerUp = true;
  await clock.advance(60_000);

  assert.deepEqual([away.at(-1), (await gauges()).at(-1)], [
    "brokkr_agent_reports_pending 1",
    "brokkr_agent_reports_pending 0",
  ]);
  await end();
});
