import type { Log } from "$lib/log.ts";
import type { Snapshot, SnapshotStack } from "$lib/wire/snapshot.ts";
import type { ClaimingStack, Claims } from "./claims.ts";
import { namedStacks, type RootRecord, type Verdict } from "./guard.ts";
import type { Inventory, StackRecord } from "./record.ts";
import { type BundleRef, newObjects, plan, type StackRef, type Work } from "./plan.ts";
import type { Judgement, PruneGuard } from "./prune_guard.ts";

/** Why nothing is written to the cluster, whatever the snapshot says: it is the kept copy's to know, too. */
export type StandbyReason = "paused" | "mismatch" | "denied";

/** How works are wanted. */
export interface Wanted {
  /** Repeats settled ones. */
  readonly again: { readonly compareAll: boolean } | undefined;
  /** The snapshot's revision. */
  readonly revision: number;
  /** Whether other works stay wanted: a newer snapshot came, and these are what it did not change. */
  readonly isPartial: boolean;
}

/** What planning needs. */
export interface PlannerParts {
  readonly inventory: Pick<Inventory, "listStacks">;
  /** Learns what the snapshot names, and what the records say that those stacks want. */
  readonly claims: Pick<Claims, "plan" | "recall">;
  readonly guard: Pick<PruneGuard, "read" | "judge">;
  /** Has turns write nothing before the root says what was decided. */
  readonly writeAfter: (recorded: Promise<void>) => void;
  readonly log: Log;
  /**
   * Why the agent must write nothing, whatever the snapshot says: it is another than its key's, or its key is refused.
   */
  readonly whyStandBy: () => Exclude<StandbyReason, "paused"> | undefined;
  /** Fetches what turns are about to want. */
  readonly readAhead: (objects: readonly BundleRef[]) => void;
  readonly want: (works: readonly Work[], wanted: Wanted) => void;
  /**
   * Hears that what is wanted of these stacks, or of all, may be out of date: nothing of it may begin until wanted
   * anew.
   */
  readonly onSuperseded: (stackIds: readonly string[] | undefined) => void;
  /** Applies nothing more for these stacks; resolves when no object of theirs is in hand. */
  readonly endApplies: (stackIds: readonly string[]) => Promise<void>;
  /** Tries these stacks again at once: their removals were approved. */
  readonly wake: (stackIds: readonly string[]) => void;
  /** Hears that the broker may have forgotten every report: its database is another, or an older one. */
  readonly onBrokerForgot: () => void;
  /** Hears what is wanted of every stack; undefined when nobody knows, as while standing by nothing is judged. */
  readonly onPlanned: (works: readonly Work[] | undefined) => void;
}

/** One resync in so many compares all, and passes nothing over. */
const COMPARES_ALL_EVERY = 12;

/**
 * Turns the last believed snapshot into work. It waits for the API server beside the loops that ask it to, one run at a
 * time, so that polls and heartbeats go on while a cluster is slow.
 */
export class Planner {
  readonly #parts: PlannerParts;
  readonly #signal: AbortSignal;
  #snapshot: KnownSnapshot | undefined;
  /** Stacks that this process was told to apply or to remove, and that it has not removed yet. */
  readonly #managed = new Map<string, StackRef>();
  /** Stacks of which it is said that they are removed, as long as the snapshot names them and wants nothing of them. */
  readonly #removed = new Set<string>();
  /** Whether the last plan needs another look although the snapshot has not changed. */
  #isUnsettled = false;
  /** What was planned last. */
  #planned: KnownSnapshot | undefined;
  #standby: StandbyReason | undefined;
  #isAsked = false;
  /** The resync that is owed: it stays until a plan has it done. */
  #resync: Wanted["again"];
  #resyncs = 0;
  #isBusy = false;
  #running = Promise.resolve();

  /** @param signal Ends planning for good. */
  constructor(parts: PlannerParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  /**
   * Plans a snapshot that was just believed.
   *
   * @param options.isKept It is the copy kept in the cluster, not what the broker says now: nothing is deleted by it.
   */
  accept(snapshot: Snapshot, { isKept = false }: { readonly isKept?: boolean } = {}): void {
    const last = this.#snapshot;
    const next = { ...snapshot, isKept };
    const hasForgotten = last !== undefined && !follows(next, last);
    if (hasForgotten) this.#removed.clear();
    this.#noteManaged(snapshot);
    this.#snapshot = next;
    this.#parts.claims.plan(snapshot.stacks.map(claiming));
    this.#parts.onSuperseded(last === undefined || hasForgotten ? undefined : changedStacks(last, next));
    if (hasForgotten) {
      this.#parts.onBrokerForgot();
      this.#resync ??= { compareAll: false };
    }
    this.#ask();
  }

  /** Hears that nothing of a stack is in the cluster any more. */
  removed(stackId: string): void {
    this.#managed.delete(stackId);
    this.#removed.add(stackId);
  }

  /** Plans the last snapshot once more: what it removes must be judged anew. */
  replan(): void {
    this.#ask();
  }

  /** Plans the last snapshot once more where that may change something: it failed, or a person's word is awaited. */
  reconsider(): void {
    if (this.#isUnsettled || this.#standby !== this.#whyStandBy()) this.#ask();
  }

  /**
   * Plans the last snapshot once more, and repeats what is settled, so that drift is put right. What the snapshot still
   * names as terminating is said to be removed once more: the broker did not take it.
   */
  repeat(): void {
    if (this.#snapshot === undefined) return;
    this.#removed.clear();
    this.#resyncs += 1;
    const compareAll = this.#resyncs % COMPARES_ALL_EVERY === 0;
    this.#resync = { compareAll: compareAll || this.#resync?.compareAll === true };
    this.#ask();
  }

  /** Resolves when no run is in progress. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** A stack to which nothing was ever submitted is nothing that the broker waits to hear of. */
  #noteManaged({ stacks, ended_stacks = [] }: Snapshot): void {
    const named = new Set([...stacks.map(({ stack_id }) => stack_id), ...ended_stacks]);
    this.#removed.forEach((id) => named.has(id) || this.#removed.delete(id));
    for (const { stack_id: id, name, generator_id: generatorId, state, deployment_object: object } of stacks) {
      if (state === "present" && object === null) continue;
      if (state === "present") this.#removed.delete(id);
      if (!this.#removed.has(id)) this.#managed.set(id, { id, name, generatorId });
    }
  }

  /**
   * Stacks that were told of and are not in the snapshot any more, or whose end the broker has not heard of, whoever
   * was told: an inventory need not name them.
   */
  #left(snapshot: Snapshot): readonly StackRef[] {
    const { ended_stacks = [] } = snapshot;
    const named = namedStacks(snapshot);
    const unheard = ended_stacks.filter((id) => !this.#removed.has(id)).map((id) => ({ id, name: id }));
    const left = new Map([...unheard, ...this.#managed.values()].map((stack) => [stack.id, stack]));
    return [...left.values()].filter(({ id }) => !named.has(id));
  }

  #whyStandBy(): StandbyReason | undefined {
    return this.#snapshot?.paused === true ? "paused" : this.#parts.whyStandBy();
  }

  /** Standing by is not kept waiting: a run in progress may wait for the API server for minutes. */
  #ask(): void {
    if (this.#snapshot === undefined || this.#signal.aborted) return;
    this.#standby = this.#whyStandBy();
    if (this.#standby !== undefined) return this.#standBy(this.#snapshot);
    this.#isAsked = true;
    if (!this.#isBusy) this.#running = this.#run();
  }

  /** What is wanted after it is new to the queues, so that a resync is not owed any more. */
  #standBy({ revision }: Snapshot): void {
    this.#isAsked = false;
    this.#resync = undefined;
    this.#parts.onPlanned(undefined);
    this.#parts.want([], { again: undefined, revision, isPartial: false });
  }

  async #run(): Promise<void> {
    this.#isBusy = true;
    while (this.#isAsked && this.#snapshot !== undefined && !this.#signal.aborted) {
      this.#isAsked = false;
      await this.#planOnce(this.#snapshot);
    }
    this.#isBusy = false;
  }

  async #planOnce(snapshot: KnownSnapshot): Promise<void> {
    this.#isUnsettled = false;
    const resync = this.#resync;
    this.#readAhead(snapshot);
    try {
      const { works, recorded } = await this.#decide(snapshot);
      if (this.#whyStandBy() !== undefined) return;
      if (this.#resync === resync) this.#resync = undefined;
      this.#planned = snapshot;
      this.#want(works, { snapshot, resync });
      await recorded;
    } catch (error) {
      if (this.#signal.aborted) return;
      this.#isUnsettled = true;
      this.#resync ??= resync;
      this.#parts.onPlanned(undefined);
      this.#parts.log.warn("cannot plan, will try again", { error });
    }
  }

  /** What turns will want first is fetched while they are planned. */
  #readAhead(snapshot: KnownSnapshot): void {
    const before = this.#planned;
    if (before === undefined || snapshot.isKept || !follows(snapshot, before)) return;
    this.#parts.readAhead(newObjects(before, snapshot));
  }

  /** Of a plan that was overtaken, what the newer snapshot did not change is as right as before. */
  #want(
    works: readonly Work[],
    { snapshot, resync }: { readonly snapshot: KnownSnapshot; readonly resync: Wanted["again"] },
  ): void {
    const { onPlanned, want } = this.#parts;
    const current = this.#snapshot ?? snapshot;
    const wanted = { again: resync, revision: snapshot.revision };
    if (current === snapshot) {
      onPlanned(works);
      return want(works, { ...wanted, isPartial: false });
    }
    if (!follows(current, snapshot)) return;
    const changed = new Set(changedStacks(snapshot, current));
    const unchanged = works.filter(({ stack }) => !changed.has(stack.id));
    if (unchanged.length > 0) want(unchanged, { ...wanted, isPartial: true });
  }

  /**
   * What is applied for the first time while its stack leaves must be in the inventory, or not at all, before that is
   * read: the guard counts only what it sees.
   */
  async #decide(snapshot: KnownSnapshot): Promise<Decided> {
    const { endApplies } = this.#parts;
    const left = this.#left(snapshot);
    await endApplies(left.map(({ id }) => id));
    const listing = this.#listStacks();
    const [stacks, judged] = await Promise.all([listing, this.#judge(snapshot, listing)]);
    if (judged === undefined) return { works: [], recorded: Promise.resolve() };
    const named = stacks.map(({ id, name, generatorId }) => ({ id, name, generatorId }));
    const { verdict, recorded } = judged;
    const situation = { snapshot, isKept: snapshot.isKept, inventory: named, left, removed: this.#removed, verdict };
    return { works: plan(situation), recorded };
  }

  async #listStacks(): Promise<readonly StackRecord[]> {
    const stacks = await this.#parts.inventory.listStacks(this.#signal);
    stacks.forEach((record) => this.#parts.claims.recall(record));
    return stacks;
  }

  /** By what is known without a word of the broker's nothing is removed, and nothing is to be remembered. */
  async #judge(
    snapshot: KnownSnapshot,
    listing: Promise<readonly StackRecord[]>,
  ): Promise<Pick<Judgement, "verdict" | "recorded"> | undefined> {
    const { guard, writeAfter } = this.#parts;
    if (snapshot.isKept) {
      const root = await guard.read(this.#signal);
      const verdict = { root, isOnHold: root.hold !== undefined, waiting: new Set<string>() };
      return { verdict, recorded: Promise.resolve() };
    }
    const inventory = listing.then((stacks) => stacks.map(({ id, objects }) => ({ id, objects: objects.length })));
    inventory.catch(() => {}); // the guard, whose turn may come later, hears of it
    const isStopped = () => this.#whyStandBy() !== undefined;
    const judged = await guard.judge({ snapshot, inventory, isStopped }, this.#signal);
    if (judged === undefined) return undefined;
    const { before, verdict, recorded } = judged;
    writeAfter(recorded);
    this.#isUnsettled = verdict.isOnHold || verdict.root.held.length > 0;
    sayWhatChanged(this.#parts.log, before, verdict);
    const approved = newlyApproved(before, verdict.root);
    if (approved.length > 0) this.#parts.wake(approved);
    return { verdict, recorded };
  }
}

interface Decided extends Pick<Judgement, "recorded"> {
  readonly works: readonly Work[];
}

/** The stacks of which a person approved what was held. */
function newlyApproved(before: RootRecord, after: RootRecord): readonly string[] {
  const known = new Set(before.held.filter(({ isApproved }) => isApproved).map(({ id }) => id));
  return after.held.flatMap(({ id, isApproved }) => isApproved && !known.has(id) ? [id] : []);
}

function sayWhatChanged(log: Log, before: RootRecord, { root, isOnHold, waiting }: Verdict): void {
  if (isOnHold && before.hold === undefined) {
    log.error("the broker is not the one this agent knows: nothing is pruned until its epoch is accepted", {
      known: root.known,
      found: root.hold,
    });
  }
  if (!isOnHold && before.hold !== undefined) log.info("the broker's epoch was accepted", { known: root.known });
  const revision = Math.max(...root.held.map((one) => waiting.has(one.id) ? one.revision : -Infinity));
  if (!isOnHold && !before.held.some((one) => one.revision === revision) && revision > -Infinity) {
    log.error("more stacks would vanish than the guard allows: their removal waits for approval", {
      stacks: waiting.size,
      revision,
    });
  }
}

function claiming({ stack_id: id, name, state, deployment_object: object }: SnapshotStack): ClaimingStack {
  const isWanting = state === "present" && object !== null;
  return { id, name, object: isWanting ? { id: object.id, sequenceId: object.sequence_id } : undefined };
}

type KnownSnapshot = Snapshot & { readonly isKept: boolean };

/** Whether the broker that said `next` knows all that it said before. */
function follows(next: Snapshot, before: Snapshot): boolean {
  return next.epoch === before.epoch && next.revision >= before.revision;
}

/** The stacks that one snapshot says something else of than the other. */
function changedStacks(before: KnownSnapshot, after: KnownSnapshot): readonly string[] {
  const entries = ({ stacks, approved_stacks = [], isKept }: KnownSnapshot) => {
    const approved = new Map(approved_stacks.map(({ stack_id, revision }) => [stack_id, revision]));
    const named = stacks.map((stack) => stack.stack_id);
    const ids = [...named, ...[...approved.keys()].filter((id) => !named.includes(id))];
    const byId = new Map(stacks.map((stack) => [stack.stack_id, stack]));
    return new Map(ids.map((id) => [id, JSON.stringify([byId.get(id), approved.get(id), isKept])]));
  };
  const [old, now] = [entries(before), entries(after)];
  return [...new Set([...old.keys(), ...now.keys()])].filter((id) => old.get(id) !== now.get(id));
}
