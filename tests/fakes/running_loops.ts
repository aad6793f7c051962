import { unlessAborted } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import { createRegistry } from "$lib/metrics.ts";
import { readSettings, variableOf } from "$lib/settings.ts";
import type { NewAgentEvent } from "$lib/wire/event.ts";
import type { Snapshot } from "$lib/wire/snapshot.ts";
import { ManualClock } from "./manual_clock.ts";
import { type FakeKeptStore, fakeKeptStore } from "./kept_store.ts";
import { silentLog } from "./silent_log.ts";
import type { BrokerClient } from "../../agent/broker_client.ts";
import type { RootRecord, Stamp } from "../../agent/plan/guard.ts";
import { Identity } from "../../agent/loops/identity.ts";
import { runLoops } from "../../agent/loops/loops.ts";
import { AGENT_METRICS } from "../../agent/metrics.ts";
import type { Outcome } from "../../agent/kube/outcome.ts";
import type { Observed, Reconciler } from "../../agent/kube/reconcile.ts";
import type { StackRecord } from "../../agent/plan/record.ts";
import { Claims } from "../../agent/plan/claims.ts";
import { AGENT_DECLARATIONS } from "../../agent/settings.ts";

/** The agent, and the epoch of its broker. */
export const AGENT = "11111111-1111-4111-8111-111111111111";
function unqueued(): never {
  throw new Error("no Lease is wanted");
}
const DONE: Outcome = { result: "applied", results: [], message: "done", yielded: [], warnings: [] };
const DOWN = new Failure("broker_unavailable", "Cannot reach the broker: it is down");
/** What the broker has for it: one stack `s`. */
export const SNAPSHOT: Snapshot = {
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
    poll: (_, etag) => {
      const { etag: epoch, revision, isPaused: paused } = state;
      const current = `${epoch}-${revision}`;
      state.polls += 1;
      return up(etag === current ? undefined : { snapshot: { ...SNAPSHOT, epoch, revision, paused }, etag: current });
    },
    awaitChange: async ({ since }, signal) => {
      await up(undefined);
      if (since === state.revision) await unlessAborted(state.change.promise, signal);
      state.change = Promise.withResolvers();
      return { kind: "changed" };
    },
    fetchBundle: () => up(""),
    beat: async () => {
      await up(undefined);
      state.beats += 1;
    },
    report: async (event, _trace, signal) => {
      signal.throwIfAborted();
      await up(undefined);
      if (state.isSilentOnReports) await unlessAborted(new Promise(() => {}), signal);
      state.events.push(event);
    },
  };
  return broker;
}

/** A cluster whose applies last until the test ends them, where it says so. */
function fakeReconciler(state: World): Reconciler {
  let root: RootRecord = { known: state.known, hold: undefined, held: [], removals: [], acceptEpoch: undefined };
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
    learn: () => Promise.resolve(true),
    writeAfter: () => {},
    hasBundle: () => false,
    removeStack: () => {
      state.removals += 1;
      return Promise.resolve(DONE);
    },
    claims: new Claims(),
    records: { known: () => recordsOf(state), knownOf: (id) => recordsOf(state).find((record) => record.id === id) },
    observed: UNOBSERVED,
  };
}

/** A cluster at which nobody looks. */
const UNOBSERVED = {
  kinds: () => [],
  namespacesOf: () => [],
  compared: () => undefined,
  appliedObjects: () => Promise.resolve({ objects: [], alwaysHealthy: 0 }),
  beginSweep: () => ({ list: () => Promise.resolve({ members: new Map() }) }),
} as Partial<Observed> as Observed;

/** Two objects for each stack. */
function recordsOf({ inventory }: World): readonly StackRecord[] {
  const nothing = { deploymentObjectId: undefined, deploymentChecksum: undefined, wanted: undefined };
  const object = { group: "", kind: "ConfigMap", version: "v1", name: "a", uid: "u", checksum: "c" };
  return inventory.map((id) => ({ ...nothing, id, name: id, objects: [object, { ...object, name: "b" }] }));
}

/** What was said of stacks' turns: how well they work is said apart, once that was looked at. */
export function withoutHealth({ events }: World): readonly NewAgentEvent[] {
  return events.filter(({ health }) => health === undefined);
}

/** What is around the loops: a test changes it as they run, and sees what they did. */
export interface World {
  isBrokerUp: boolean;
  /** The broker answers no report. */
  isSilentOnReports: boolean;
  nameAtBroker: string;
  beats: number;
  /** How often the broker was asked who this is. */
  questions: number;
  /** How often the broker was polled. */
  polls: number;
  /** The snapshot's epoch. */
  etag: string;
  /** The snapshot's revision. */
  revision: number;
  /** Tells who waits for it that the revision is another. */
  change: PromiseWithResolvers<void>;
  /** Whether the snapshot is paused. */
  isPaused: boolean;
  /** Ids of the stacks that were applied by an earlier start of the agent. */
  inventory: readonly string[];
  /** Which broker the root knows. */
  known: Stamp | undefined;
  /** What the inventory waits for before it answers. */
  list: (signal?: AbortSignal) => Promise<void>;
  applies: number;
  removals: number;
  apply: Promise<void>;
  readonly events: NewAgentEvent[];
  /** What the cluster keeps of an earlier start. */
  readonly kept: FakeKeptStore;
}

/** The loops of an agent, running over fakes until `end` is called. */
export function runningLoops(given: Partial<World> = {}) {
  const clock = new ManualClock();
  const log = silentLog();
  const registry = createRegistry({ clock, log });
  const state: World = {
    isBrokerUp: true,
    isSilentOnReports: false,
    nameAtBroker: "edge",
    beats: 0,
    questions: 0,
    polls: 0,
    etag: AGENT,
    revision: 1,
    change: Promise.withResolvers(),
    isPaused: false,
    inventory: [],
    known: undefined,
    list: () => Promise.resolve(),
    applies: 0,
    removals: 0,
    apply: Promise.resolve(),
    events: [],
    kept: fakeKeptStore(),
    ...given,
  };
  const stop = new AbortController();
  const broker = fakeBroker(state);
  const expected = { name: "edge", clusterName: "prod", generatorIds: [] };
  const identity = new Identity({ broker, log, expected, kept: state.kept });
  const ended = runLoops({
    settings: settings(),
    clock,
    log,
    broker,
    identity,
    kept: state.kept,
    random: () => 0.5,
    newId: () => AGENT,
    metrics: registry.register(AGENT_METRICS),
    kubernetes: { version: () => Promise.resolve("v1"), unqueued },
    ...{ namespace: "default", onLeading: () => {} },
    makeReconciler: () => fakeReconciler(state),
    onProbe: () => {},
  }, stop.signal);
  const end = async () => {
    stop.abort();
    await ended;
  };
  /** The gauges of what the agent knows, as the page has them. */
  async function gauges(): Promise<readonly string[]> {
    const page = await registry.page?.("text") ?? "";
    return page.match(/^brokkr_agent_(managed_objects|prunes_blocked|reports_pending) .*$/gm) ?? [];
  }
  return { clock, state, stop, ended, end, gauges };
}
