import type { Clock } from "$lib/clock.ts";
import { isFailure } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import { bound, type BoundCounter, type BoundGauge, type BoundHistogram } from "$lib/metrics.ts";
import { Wakeup } from "$lib/wakeup.ts";
import type { BrokerClient, TaggedSnapshot } from "../broker_client.ts";
import type { SnapshotPolls } from "../deliver/snapshot_polls.ts";
import type { AgentMetrics, PollResult } from "../metrics.ts";
import { snapshotOf } from "../plan/kept_snapshot.ts";
import type { Planner } from "../plan/planner.ts";
import type { Keeper } from "./keep.ts";

/** What polling needs. */
export interface SyncParts {
  readonly agentId: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly broker: Pick<BrokerClient, "poll">;
  readonly planner: Pick<Planner, "accept" | "reconsider">;
  readonly access: BrokerAccess;
  readonly keeper: Pick<Keeper, "believed" | "look" | "keptCopy">;
  /** Left out: no poll is traced. */
  readonly polls?: Pick<SnapshotPolls, "changed">;
  readonly metrics: Pick<AgentMetrics, "pollRequests" | "pollDuration" | "lastSuccessfulPoll">;
  /**
   * Milliseconds after which the whole snapshot is asked for, changed or not: a database that was restored may have
   * grown to the revision that the agent knows, by other changes.
   */
  readonly wholeEveryMs: number;
}

/** Statuses by which the broker says that this agent is no longer to be trusted with its snapshot. */
const DENIALS: ReadonlySet<unknown> = new Set([401, 403]);

/** Whether the broker gives this agent its snapshot, as far as the last poll says. */
export class BrokerAccess {
  #isDenied = false;

  /** Why nothing may be written to the cluster. */
  get reason(): "denied" | undefined {
    return this.#isDenied ? "denied" : undefined;
  }

  /** A poll was answered. */
  granted(): void {
    this.#isDenied = false;
  }

  /** The broker's last word, to an earlier start of the agent, was a refusal. */
  denied(): void {
    this.#isDenied = true;
  }

  /** A poll failed: one that says nothing of the agent's rights leaves them as they were. */
  failed(error: unknown): void {
    if (isDenial(error)) this.#isDenied = true;
    else if (isFailure(error, "invalid_snapshot")) this.#isDenied = false;
  }
}

/** Whether the broker refuses the agent's key, or the agent. */
export function isDenial(error: unknown): boolean {
  return isFailure(error) && DENIALS.has(error.details?.status);
}

/** The loop that asks the broker what should run here. */
export class Sync {
  readonly #parts: SyncParts;
  readonly #results: Readonly<Record<PollResult, BoundCounter>>;
  readonly #duration: BoundHistogram;
  readonly #lastSuccess: BoundGauge;
  #etag: string | undefined;
  /** What the tag stands for, and when the whole of it came. */
  #last: { readonly text: string; readonly atMs: number } | undefined;
  #revision: number | undefined;
  readonly #wakeup = new Wakeup();
  /** Resolves when the turn that begins next has ended. */
  #ended = Promise.withResolvers<void>();
  /** Whether there is a snapshot to work from: the broker's, or without it the kept one. */
  #hasSnapshot = false;

  constructor(parts: SyncParts) {
    const { pollRequests, pollDuration, lastSuccessfulPoll } = parts.metrics;
    this.#parts = parts;
    this.#results = {
      success: bound(pollRequests, { result: "success" }),
      empty: bound(pollRequests, { result: "empty" }),
      error: bound(pollRequests, { result: "error" }),
    };
    this.#duration = bound(pollDuration);
    this.#lastSuccess = bound(lastSuccessfulPoll);
  }

  /** The revision of the last snapshot that the broker gave; undefined before the first. */
  get revision(): number | undefined {
    return this.#revision;
  }

  /** Resolves when a turn that has not begun yet has ended, however it ended. */
  get polled(): Promise<void> {
    return this.#ended.promise;
  }

  /** Has a turn begin at once; resolves when it has ended, however it ended. */
  pollNow(): Promise<void> {
    this.#wakeup.ask();
    return this.polled;
  }

  /** Resolves when {@linkcode Sync.pollNow} was called since a turn began last, or when the signal aborts. */
  wanted(signal: AbortSignal): Promise<void> {
    return this.#wakeup.wait(signal);
  }

  /**
   * One turn: a new snapshot is planned; without one, the last is only where a person's word or another try is awaited.
   * One that is not believed changes nothing; as its broker is there, it is asked again as often as ever.
   */
  async turn(signal: AbortSignal): Promise<void> {
    const { resolve: ended } = this.#ended;
    this.#ended = Promise.withResolvers();
    this.#wakeup.starts();
    try {
      await this.#pollAndPlan(signal);
    } catch (error) {
      if (!this.#hasSnapshot) await this.#planKept(error, signal);
      this.#parts.planner.reconsider();
      if (!isFailure(error, "invalid_snapshot")) throw error;
      this.#parts.log.error("the snapshot is not believed, and changes nothing", { error });
    } finally {
      this.#parts.keeper.look();
      ended();
    }
  }

  async #pollAndPlan(signal: AbortSignal): Promise<void> {
    const beganMs = this.#parts.clock.monotonic();
    const answer = await this.#poll(signal);
    if (answer === undefined || this.#isKnown(answer)) return this.#parts.planner.reconsider();
    this.#etag = answer.etag;
    this.#revision = answer.snapshot.revision;
    this.#hasSnapshot = true;
    this.#parts.polls?.changed(answer.snapshot, beganMs);
    this.#parts.planner.accept(answer.snapshot);
    this.#parts.keeper.believed(answer.snapshot);
  }

  /** Whether it is what the agent has; one that says something else under the same tag is news. */
  #isKnown({ etag, snapshot }: TaggedSnapshot): boolean {
    const { clock, log } = this.#parts;
    const [before, text] = [this.#last?.text, JSON.stringify(snapshot)];
    this.#last = { text, atMs: clock.monotonic() };
    if (etag === undefined || etag !== this.#etag || before === undefined) return false;
    if (before !== text) log.error("the broker says something else under the revision that is known: it was set back");
    return before === text;
  }

  /** The tag of what is known, unless it is time to hear the whole once more. */
  get #tag(): string | undefined {
    const { clock, wholeEveryMs } = this.#parts;
    const isDue = this.#last !== undefined && clock.monotonic() - this.#last.atMs >= wholeEveryMs;
    return isDue ? undefined : this.#etag;
  }

  /**
   * A broker that is away has said something before; one that refuses the agent, or is not believed, says something
   * now.
   */
  async #planKept(why: unknown, signal: AbortSignal): Promise<void> {
    const { access, keeper, planner } = this.#parts;
    if (!isFailure(why, "broker_unavailable") || isDenial(why) || access.reason !== undefined) return;
    const copy = await keeper.keptCopy(signal);
    if (copy === undefined) return;
    this.#hasSnapshot = true;
    if (copy.isKeyRefused) access.denied();
    planner.accept(snapshotOf(copy), { isKept: true });
  }

  async #poll(signal: AbortSignal): Promise<TaggedSnapshot | undefined> {
    const { access, agentId, broker, clock } = this.#parts;
    const startMs = clock.monotonic();
    try {
      const answer = await broker.poll(agentId, this.#tag, signal);
      this.#count(answer === undefined || answer.snapshot.stacks.length === 0 ? "empty" : "success", startMs);
      this.#lastSuccess.record(clock.now() / 1_000);
      access.granted();
      return answer;
    } catch (error) {
      access.failed(error);
      if (!signal.aborted) this.#count("error", startMs);
      throw error;
    }
  }

  #count(result: PollResult, startMs: number): void {
    this.#duration.record((this.#parts.clock.monotonic() - startMs) / 1_000);
    this.#results[result].add();
  }
}
