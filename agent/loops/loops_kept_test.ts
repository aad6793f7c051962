import assert from "node:assert/strict";
import { type FakeKeptStore, fakeKeptStore } from "../../tests/fakes/kept_store.ts";
import { AGENT, runningLoops as running, SNAPSHOT } from "../../tests/fakes/running_loops.ts";
import { keptCopy } from "../plan/kept_snapshot.ts";

/** What the cluster keeps of an earlier start. */
function keptStore(standby?: "paused" | "denied"): FakeKeptStore {
  const store = fakeKeptStore(keptCopy(AGENT, SNAPSHOT, standby === "paused" ? standby : undefined));
  store.isKeyRefused = standby === "denied";
  return store;
}

Deno.test("an agent started without a broker goes on from what is kept, removes nothing, and reports when it comes", async () => {
  const { clock, state, end } = running({
    isBrokerUp: false,
    kept: keptStore(),
    inventory: ["s", "gone"],
    known: { epoch: AGENT, revision: 1 },
  });
  await clock.advance(65_000);
  assert.deepEqual([state.applies, state.removals, state.events], [3, 0, []]);

  state.isBrokerUp = true;
  await clock.advance(90_000);

  const said = new Set(state.events.map(({ stack_id, state }) => `${stack_id} ${state}`));
  assert.deepEqual(said, new Set(["s applied", "gone removed"]));
  assert.equal(state.removals > 0, true);
  await end();
});

Deno.test("an agent started from what another one of its names kept works as itself once the broker names it", async () => {
  const kept = fakeKeptStore(keptCopy(AGENT.replace("1", "9"), SNAPSHOT, undefined));
  const { clock, state, end } = running({ isBrokerUp: false, kept, inventory: ["s"] });
  await clock.advance(65_000);
  const early = state.applies;

  state.isBrokerUp = true;
  await clock.advance(90_000);

  assert.ok(early > 0 && state.applies > early);
  assert.equal(state.events.at(-1)?.agent_id, AGENT);
  assert.equal(state.kept.copy?.agentId, AGENT);
  await end();
});

Deno.test("an agent started without a broker writes nothing where it was told to write nothing", async () => {
  for (const standby of ["paused", "denied"] as const) {
    const { clock, state, end } = running({ isBrokerUp: false, kept: keptStore(standby) });
    await clock.advance(90_000);
    const { copy, isKeyRefused } = state.kept;
    assert.deepEqual([state.applies, isKeyRefused ? "denied" : copy?.standby], [0, standby]);

    state.isBrokerUp = true;
    await clock.advance(90_000);

    assert.equal(state.applies > 0, true, standby);
    assert.deepEqual([state.kept.copy?.standby, state.kept.isKeyRefused], [undefined, false], standby);
    await end();
  }
});
