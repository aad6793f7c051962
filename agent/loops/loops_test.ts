import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import { createRegistry } from "$lib/metrics.ts";
import { readSettings, variableOf } from "$lib/settings.ts";
import type { NewAgentEvent } from "$lib/wire/event.ts";
import type { Snapshot } from "$lib/wire/snapshot.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import type { BrokerClient } from "../broker_client.ts";
import type { RootRecord } from "../plan/guard.ts";
import { Identity } from "./identity.ts";
import { runLoops } from "./loops.ts";
import { AGENT_METRICS } from "../metrics.ts";
import type { Outcome } from "../kube/outcome.ts";
import type { Observed, Reconciler } from "../kube/reconcile.ts";
import type { StackRecord } from "../plan/record.ts";
import { Claims } from "../plan/claims.ts";
import { AGENT_DECLARATIONS } from "../settings.ts";

const AGENT = "11111111-1111-4111-8111-111111111111";
const OTHER = "22222222-2222-4222-8222-222222222222";
const never = () => Promise.reject(new Error("no Lease is wanted"));
const START_MS = new ManualClock().now();
const DONE: Outcome = { result: "applied", results: [], message: "done", yielded: [], warnings: [] };
const DOWN = new Failure("broker_unavailable", "Cannot reach the broker: it is down");
const SNAPSHOT: Snapshot = {
  epoch: AGENT,
  revision: 1,
  complete: true,
  paused: false,
  prune_approved: null,
  stacks: [{
    stack_id: "s",
    name: "web",
    generator_id: "g",
    state: "present",
    deployment_object: { id: "o", sequence_id: 1, checksum: "c", size_bytes: 1, submitted_at: "" },
  }],
};

function settings() {
  const given = {
    "agent.broker_url": "http://127.0.0.1",
    "agent.pak": "key",
    "agent.agent_name": "edge",
    "agent.cluster_name": "prod",
    "agent.resync_interval": "30",
  };
  const env = Object.fromEntries(Object.entries(given).map(([key, value]) => [variableOf(key), value]));
  return readSettings(AGENT_DECLARATIONS, { args: [], env, readFile: () => "" }).settings;
}

/** A broker that a test takes away and brings back. */
function fakeBroker(state: World) {
  const up = <T>(value: T): Promise<T> => state.isBrokerUp ? Promise.resolve(value) : Promise.reject(DOWN);
  const broker: BrokerClient = {
    identify: () => {
      state.questions += 1;
      return up({ id: AGENT, name: state.nameAtBroker, clusterName: "prod" });
    },
    register: () => up(undefined),
    poll: (_, etag) =>
      up(
        etag === state.etag
          ? undefined
          : { snapshot: { ...SNAPSHOT, epoch: state.etag, paused: state.isPaused }, etag: state.etag },
      ),
    fetchBundle: () => up(""),
    beat: async () => {
      await up(undefined);
      state.beats += 1;
    },
    report: async (event, signal) => {
      signal.throwIfAborted();
      await up(undefined);
      state.events.push(event);
    },
  };
  return broker;
}

/** A cluster whose applies last until the test ends them, where it says so. */
function fakeReconciler(state: World): Reconciler {
  let root: RootRecord = { known: undefined, hold: undefined, held: undefined, removals: [], acceptEpoch: undefined };
  return {
    inventory: {
      listStacks: async (signal) => {
        await state.list(signal);
        return recordsOf(state);
      },
      readRoot: () => Promise.resolve(root),
      writeRoot: (record) => {
        root = record;
        return Promise.resolve();
      },
    },
    reconcileStack: async () => {
      state.applies += 1;
      await state.apply;
      return DONE;
    },
    removeStack: () => Promise.resolve(DONE),
    claims: new Claims(),
    records: { known: () => recordsOf(state) },
    observed: UNOBSERVED,
  };
}

/** A cluster at which nobody looks. */
const UNOBSERVED = {
  kinds: () => [],
  namespacesOf: () => [],
  compared: () => undefined,
  appliedObjects: () => Promise.resolve([]),
  beginSweep: () => ({ list: () => Promise.resolve({ members: new Map() }) }),
} as Partial<Observed> as Observed;

/** Two objects for each stack. */
function recordsOf({ inventory }: World): readonly StackRecord[] {
  const nothing = { deploymentObjectId: undefined, deploymentChecksum: undefined, wanted: undefined };
  const object = { group: "", kind: "ConfigMap", version: "v1", name: "a", uid: "u", checksum: "c" };
  return inventory.map((id) => ({ ...nothing, id, name: id, objects: [object, { ...object, name: "b" }] }));
}

/** What was said of stacks' turns: how well they work is said apart, once that was looked at. */
function withoutHealth({ events }: World): readonly NewAgentEvent[] {
  return events.filter(({ health }) => health === undefined);
}

interface World {
  isBrokerUp: boolean;
  nameAtBroker: string;
  beats: number;
  /** How often the broker was asked who this is. */
  questions: number;
  /** The snapshot's tag, and its epoch. */
  etag: string;
  /** Whether the snapshot is paused. */
  isPaused: boolean;
  /** Ids of the stacks that were applied by an earlier start of the agent. */
  inventory: readonly string[];
  /** What the inventory waits for before it answers. */
  list: (signal?: AbortSignal) => Promise<void>;
  applies: number;
  apply: Promise<void>;
  readonly events: NewAgentEvent[];
}

/** The loops, running. */
function running(given: Partial<World> = {}) {
  const clock = new ManualClock();
  const log = silentLog();
  const registry = createRegistry({ clock, log });
  const state: World = {
    isBrokerUp: true,
    nameAtBroker: "edge",
    beats: 0,
    questions: 0,
    etag: AGENT,
    isPaused: false,
    inventory: [],
    list: () => Promise.resolve(),
    applies: 0,
    apply: Promise.resolve(),
    events: [],
    ...given,
  };
  const stop = new AbortController();
  const broker = fakeBroker(state);
  const identity = new Identity({ broker, log, expected: { name: "edge", clusterName: "prod", generatorIds: [] } });
  const ended = runLoops({
    settings: settings(),
    clock,
    log,
    broker,
    identity,
    random: () => 0.5,
    newId: () => AGENT,
    metrics: registry.register(AGENT_METRICS),
    kubernetes: { version: () => Promise.resolve("v1"), get: never, create: never, patch: never },
    ...{ namespace: "default", onLeading: () => {} },
    makeReconciler: () => fakeReconciler(state),
    onProbe: () => {},
  }, stop.signal);
  const end = () => (stop.abort(), ended);
  /** The gauges of what the agent knows, as the page has them. */
  async function gauges(): Promise<readonly string[]> {
    const page = await registry.page?.("text") ?? "";
    return page.match(/^brokkr_agent_(managed_objects|prunes_blocked|reports_pending) .*$/gm) ?? [];
  }
  return { clock, state, stop, ended, end, gauges };
}

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
