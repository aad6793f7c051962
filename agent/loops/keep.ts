import type { Clock } from "$lib/clock.ts";
import { isFailure } from "$lib/error.ts";
import { isRefused } from "$lib/kubernetes.ts";
import type { Log } from "$lib/log.ts";
import { Wakeup } from "$lib/wakeup.ts";
import type { Snapshot } from "$lib/wire/snapshot.ts";
import type { BrokerClient } from "../broker_client.ts";
import { type FoundCopy, type KeptCopy, keptCopy, type KeptObject, type KeptStore } from "../plan/kept_snapshot.ts";
import type { StandbyReason } from "../plan/planner.ts";
import { isDenial } from "./sync.ts";

/** What keeping the snapshot in the cluster needs. */
export interface KeeperParts {
  readonly agentId: string;
  readonly store: KeptStore;
  readonly clock: Pick<Clock, "monotonic" | "after">;
  readonly log: Log;
  readonly broker: Pick<BrokerClient, "fetchBundle">;
  /** Why nothing may be written to the cluster, whatever the snapshot says. */
  readonly whyStandBy: () => Exclude<StandbyReason, "paused"> | undefined;
}

/** Characters of several bundles that may wait to be kept; beyond that they are fetched once more, when it is quiet. */
const WAITING_MAX = 4 * 1024 * 1024;
/** Milliseconds for which bundles wait: turns that bring them to the cluster go first. */
const BODIES_AFTER_MS = 1_000;
/** Characters of bundles beyond which none waits: what waits is in memory. */
const PATIENT_MAX = 1024 * 1024;
const FORBIDDEN = "snapshot and bundles cannot be kept in the cluster: a start without the broker will find nothing";

/**
 * Keeps the last believed snapshot at once, and the bundles that it names a moment later, in the cluster, beside all
 * other work: nobody waits for it, and where nothing changed it asks for nothing.
 */
export class Keeper {
  readonly #parts: KeeperParts;
  #snapshot: Snapshot | undefined;
  /** What the cluster has, as far as is known. */
  #copy: KeptCopy | undefined;
  /** What the cluster has of this agent's key, as far as is known. */
  #isKeyRefused = false;
  /**
   * Deployment objects of whose bundles the cluster has something, and whether it has all; undefined before the first
   * look. A write whose answer was lost may have left something, too.
   */
  #bodies: Map<string, boolean> | undefined;
  /** Of which snapshot it was last said, and why nothing is written. */
  #said: readonly [snapshot: Snapshot | undefined, standby: StandbyReason | undefined] | undefined;
  readonly #waiting = new Map<string, { readonly object: KeptObject; readonly text: string }>();
  /** When bundles are to be written, or to go (monotonic); undefined while there are none. */
  #bodiesDueMs: number | undefined;
  readonly #wakeup = new Wakeup();
  #isForbidden = false;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** The broker's bundle, which is kept; the kept one when the broker is away. */
  async fetchBundle(object: KeptObject, signal: AbortSignal): Promise<string> {
    try {
      const text = await this.#parts.broker.fetchBundle(object, signal);
      this.#keepSoon(object, text);
      return text;
    } catch (error) {
      if (!isFailure(error, "broker_unavailable") || isDenial(error) || signal.aborted) throw error;
      const kept = await this.#parts.store.readBody(object, signal).catch(() => undefined);
      if (kept === undefined) throw error;
      return kept;
    }
  }

  /** What is kept of this agent, to go on from without the broker. */
  async keptCopy(signal: AbortSignal): Promise<FoundCopy | undefined> {
    const { agentId, log, store } = this.#parts;
    try {
      const copy = await store.read(signal);
      return copy?.agentId === agentId ? copy : undefined;
    } catch (error) {
      if (!signal.aborted) log.warn("cannot look at what is kept in the cluster", { error });
      return undefined;
    }
  }

  /** A snapshot was believed. */
  believed(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.look();
  }

  /** Whether something may be written, or what the snapshot says, may have changed. */
  look(): void {
    const [snapshot, standby] = this.#said ?? [];
    const isSaid = this.#said !== undefined && snapshot === this.#snapshot && standby === this.#standby();
    if (!isSaid) this.#wakeup.ask();
  }

  /** One turn of the loop. One that nobody asked for looks after bundles that no stack's turn had to fetch. */
  async turn(signal: AbortSignal): Promise<void> {
    const isQuiet = !this.#wakeup.starts() && this.#snapshot !== undefined;
    try {
      await this.#keep(isQuiet, signal);
      this.#isForbidden = false;
    } catch (error) {
      if (!isRefused(error, 403)) {
        this.#wakeup.ask();
        this.#wakeup.rest();
        throw error;
      }
      if (!this.#isForbidden) this.#parts.log.warn(FORBIDDEN, { error });
      this.#isForbidden = true;
      this.#said = [this.#snapshot, this.#standby()];
      this.#waiting.clear();
    }
  }

  /** Resolves when there is something to keep; while the last turn failed, only when `signal` aborts. */
  async waitForNext(signal: AbortSignal): Promise<void> {
    const cancel = this.#whenBodiesAreDue(() => this.#wakeup.ask());
    await this.#wakeup.wait(signal).finally(cancel);
  }

  #whenBodiesAreDue(work: () => void): () => void {
    const { clock } = this.#parts;
    if (this.#bodiesDueMs === undefined) return () => {};
    return clock.after(Math.max(0, this.#bodiesDueMs - clock.monotonic()), work);
  }

  #keepSoon(object: KeptObject, text: string): void {
    if (this.#bodies?.get(object.id) === true || this.#waiting.has(object.id)) return;
    const isTooMuch = this.#waiting.size > 0 && this.#waitingLength() + text.length > WAITING_MAX;
    if (this.#isForbidden || isTooMuch) return;
    this.#waiting.set(object.id, { object, text });
    this.#wakeup.ask();
  }

  #standby(): StandbyReason | undefined {
    return this.#snapshot?.paused === true ? "paused" : this.#parts.whyStandBy();
  }

  async #keep(isQuiet: boolean, signal: AbortSignal): Promise<void> {
    const { store } = this.#parts;
    const standby = this.#standby();
    if (this.#bodies === undefined) {
      const [copy, bodies] = [await store.read(signal), await store.listBodies(signal)];
      this.#copy = copy;
      this.#isKeyRefused = copy?.isKeyRefused ?? false;
      this.#bodies = new Map(bodies);
    }
    await this.#writeCopy(standby, signal);
    await this.#noteKey(standby, signal);
    this.#said = [this.#snapshot, standby];
    if (standby !== undefined || this.#snapshot === undefined) return this.#waitForNoBodies();
    const wanted = objectsOf(this.#snapshot);
    if (!isQuiet && !this.#areBodiesDue(wanted)) return;
    await this.#writeWaiting(wanted, signal);
    await this.#dropBodies(wanted, signal);
    if (isQuiet) await this.#fetchMissing(wanted, signal);
    this.#waitForNoBodies();
  }

  /** Else the next turn would come at once, and each after it, for as long as bodies can't be written. */
  #waitForNoBodies(): void {
    this.#bodiesDueMs = undefined;
  }

  #waitingLength(): number {
    return this.#waiting.values().reduce((sum, { text }) => sum + text.length, 0);
  }

  #areBodiesDue(wanted: ReadonlyMap<string, KeptObject>): boolean {
    if (this.#waiting.size === 0 && this.#unwanted(wanted).length === 0) {
      this.#waitForNoBodies();
      return false;
    }
    const nowMs = this.#parts.clock.monotonic();
    this.#bodiesDueMs ??= nowMs + BODIES_AFTER_MS;
    return nowMs >= this.#bodiesDueMs || this.#waitingLength() > PATIENT_MAX;
  }

  #unwanted(wanted: ReadonlyMap<string, KeptObject>): readonly string[] {
    return [...this.#bodies?.keys() ?? []].filter((id) => !wanted.has(id));
  }

  /** What the broker said to this agent; under another agent's key its word is not for those of these names. */
  async #writeCopy(standby: StandbyReason | undefined, signal: AbortSignal): Promise<void> {
    const { agentId, store } = this.#parts;
    if (this.#snapshot === undefined || (standby === "mismatch" && !this.#isOwnCopy())) return;
    const next = keptCopy(agentId, this.#snapshot, standby === "denied" ? undefined : standby);
    if (isEqual(next, this.#copy)) return;
    await store.write(next, signal);
    this.#copy = next;
  }

  /** Who has a key that is refused is not to make others of these names, whose key is not, write nothing. */
  async #noteKey(standby: StandbyReason | undefined, signal: AbortSignal): Promise<void> {
    const isHeard = this.#snapshot !== undefined;
    const isRefused = standby === "denied" || (standby === "mismatch" && !(isHeard && this.#isOwnCopy()));
    if (isRefused === this.#isKeyRefused || !(isHeard || isRefused)) return;
    const isNoted = await this.#parts.store.noteKey(isRefused, signal);
    if (isNoted) this.#isKeyRefused = isRefused;
  }

  #isOwnCopy(): boolean {
    return this.#copy?.agentId === this.#parts.agentId;
  }

  async #writeWaiting(wanted: ReadonlyMap<string, KeptObject>, signal: AbortSignal): Promise<void> {
    for (const [id, { object, text }] of this.#waiting) {
      if (wanted.has(id) && this.#bodies?.get(id) !== true) await this.#writeBody(object, text, signal);
      this.#waiting.delete(id);
    }
  }

  async #writeBody(object: KeptObject, text: string, signal: AbortSignal): Promise<void> {
    this.#bodies?.set(object.id, false);
    await this.#parts.store.writeBody(object, text, signal);
    this.#bodies?.set(object.id, true);
  }

  async #dropBodies(wanted: ReadonlyMap<string, KeptObject>, signal: AbortSignal): Promise<void> {
    const unwanted = this.#unwanted(wanted);
    if (unwanted.length === 0) return;
    await this.#parts.store.removeOtherBodies(new Set(wanted.keys()), signal);
    unwanted.forEach((id) => this.#bodies?.delete(id));
  }

  async #fetchMissing(wanted: ReadonlyMap<string, KeptObject>, signal: AbortSignal): Promise<void> {
    for (const object of wanted.values()) {
      if (this.#bodies?.get(object.id) === true) continue;
      const text = await this.#parts.broker.fetchBundle(object, signal).catch((error) => {
        if (!isFailure(error, "broker_rejected")) throw error;
        return undefined; // it was just replaced by a newer one: the next snapshot says which
      });
      if (text !== undefined) await this.#writeBody(object, text, signal);
    }
  }
}

function isEqual(one: KeptCopy, other: KeptCopy | undefined): boolean {
  return other !== undefined && JSON.stringify(inOrder(one)) === JSON.stringify(inOrder(other));
}

function inOrder({ agentId, epoch, revision, stacks, standby }: KeptCopy) {
  return [agentId, epoch, revision, standby, stacks];
}

function objectsOf({ stacks }: Snapshot): ReadonlyMap<string, KeptObject> {
  const objects = stacks.flatMap(({ deployment_object: object }) => object === null ? [] : [object]);
  return new Map(objects.map(({ id, checksum }) => [id, { id, checksum }]));
}
