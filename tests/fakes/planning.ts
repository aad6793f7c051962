import { Claims } from "../../agent/plan/claims.ts";
import type { Log } from "$lib/log.ts";
import type { Snapshot, SnapshotStack } from "$lib/wire/snapshot.ts";
import type { RootRecord } from "../../agent/plan/guard.ts";
import type { Work } from "../../agent/plan/plan.ts";
import { PruneGuard } from "../../agent/plan/prune_guard.ts";
import { ManualClock } from "./manual_clock.ts";
import { Planner } from "../../agent/plan/planner.ts";

const NO_RECORD = { deploymentObjectId: undefined, deploymentChecksum: undefined, wanted: undefined, objects: [] };

/** The epoch that the agent knows. */
export const EPOCH = "11111111-1111-4111-8111-111111111111";
/** Another broker's epoch. */
export const OTHER = "22222222-2222-4222-8222-222222222222";

/** What was wanted once. */
export interface WantedWorks {
  readonly works: readonly string[];
  readonly again: boolean;
  readonly compareAll?: true;
  readonly isPartial?: true;
}

/** A planner over an inventory in memory, and all that it said. */
export function planning({ stacks = [], root = {} }: { stacks?: string[]; root?: Partial<RootRecord> } = {}) {
  const stop = new AbortController();
  const record: RootRecord = {
    known: { epoch: EPOCH, revision: 1 },
    hold: undefined,
    held: [],
    removals: [],
    acceptEpoch: undefined,
    ...root,
  };
  const errors: string[] = [];
  const blocked = undefined as number | undefined;
  const happened: string[] = [];
  const [reading, listing, writing] = [Promise.resolve(), Promise.resolve(), Promise.resolve()];
  const ahead: string[] = [];
  const ending = (_stackIds: readonly string[]) => Promise.resolve();
  const state = {
    ending,
    root: record,
    stacks,
    ...{ reading, listing, writing, ahead },
    isStandby: false,
    isDown: false,
    forgotten: 0,
    blocked,
    errors,
    happened,
  };
  const wanted: WantedWorks[] = [];
  const up = <T>(value: T) => state.isDown ? Promise.reject(new Error("down")) : Promise.resolve(value);
  const say = (message: string) => state.errors.push(message);
  const log: Log = { debug: say, info: say, warn: say, error: say };
  const store = {
    readRoot: async () => {
      state.happened.push("root read");
      await state.reading;
      return await up(state.root);
    },
    writeRoot: async (record: RootRecord) => {
      state.root = record;
      state.happened.push("root written");
      await state.writing;
      await up(undefined);
    },
  };
  const planner = new Planner({
    claims: new Claims(),
    inventory: {
      listStacks: async () => {
        await state.listing;
        return await up(state.stacks.map((id) => ({ ...NO_RECORD, id, name: id })));
      },
    },
    guard: new PruneGuard({ store, limits: {}, clock: new ManualClock(), log, onHeld: () => {} }),
    readAhead: (objects) => ahead.push(...objects.map(({ id }) => id)),
    writeAfter: (recorded) =>
      void recorded.then(() => happened.push("may write"), () => happened.push("may not write")),
    wake: (stackIds) => state.happened.push(`woken ${stackIds}`),
    log,
    whyStandBy: () => state.isStandby ? "mismatch" : undefined,
    want: (works, { again, isPartial }) => {
      state.happened.push("wanted");
      wanted.push({
        works: works.map(nameOf),
        again: again !== undefined,
        ...(again?.compareAll === true ? { compareAll: true } : {}),
        ...(isPartial ? { isPartial: true } : {}),
      });
    },
    onSuperseded: (stackIds) => state.happened.push(`superseded ${stackIds ?? "all"}`),
    endApplies: async (stackIds) => {
      await state.ending(stackIds);
    },
    onBrokerForgot: () => state.forgotten += 1,
    onPlanned: (works) => state.blocked = works?.filter(({ kind }) => kind === "wait").length,
  }, stop.signal);
  return { planner, state, wanted, stop };
}

function nameOf({ kind, stack }: Work): string {
  return `${kind} ${stack.id}`;
}

/** A snapshot of the known epoch. */
export function snapshot(revision: number, rest: Partial<Snapshot> & { present?: string[] } = {}): Snapshot {
  const { present = [], ...others } = rest;
  const stacks = present.map((id) => wanting(id));
  return { epoch: EPOCH, revision, complete: true, paused: false, prune_approved: null, stacks, ...others };
}

/** A stack that an object is wanted of. */
export function wanting(id: string, object = `${id}1`): SnapshotStack {
  return {
    stack_id: id,
    name: id,
    generator_id: "g",
    state: "present",
    deployment_object: { id: object, sequence_id: 1, checksum: "", size_bytes: 0, submitted_at: "" },
  };
}

/** A stack that a person deleted. */
export function going(id: string): SnapshotStack {
  return { stack_id: id, name: id, generator_id: "g", state: "terminating", deployment_object: null };
}
