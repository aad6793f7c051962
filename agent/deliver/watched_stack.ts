import type { Clock } from "$lib/clock.ts";
import type { ObjectPlace } from "$lib/kubernetes.ts";
import { type HealthStatus, REASON_MAX } from "$lib/wire/event.ts";
import { type ObjectHealth, worstOf } from "../kube/health/health.ts";
import type { GroupKind } from "../kube/names.ts";
import type { LookMemory } from "./look.ts";
import type { Looked } from "./look_queue.ts";

/** An object of a stack, as it is after a turn. */
export interface AppliedObject {
  /** As `objectKey` makes it. */
  readonly key: string;
  readonly groupKind: GroupKind;
  readonly place: ObjectPlace;
  readonly uid: string;
  /** Whether the turn wrote it: then it is looked at, whatever the watch says. */
  readonly isWritten?: boolean;
  /** Whether it is nothing amiss when it is there no more: it is applied once, or only made. */
  readonly mayVanish?: boolean;
}

/** What is to be known of a turn that ended, beside the objects that may be unhealthy. */
export interface AppliedTurn {
  /** How many objects of the stack are of kinds that are always healthy. */
  readonly alwaysHealthy: number;
  /** Whether it wrote any object, of whatever kind. */
  readonly hasWritten: boolean;
}

/** How well one object works, and when that was seen: wall time in milliseconds. */
export interface SeenHealth extends ObjectHealth {
  readonly atMs: number;
}

/** How well a stack works: as well as its worst object. */
export interface HealthNews extends SeenHealth {
  readonly health: HealthStatus;
  /** Of what is not healthy: names the object, and what is the matter with it. */
  readonly reason?: string;
  /** By key; kinds that are always healthy are not in it. It goes on changing: it is to be read at once. */
  readonly objects: ReadonlyMap<string, Pick<WatchedObject, "place" | "verdict">>;
}

/** Milliseconds that several changes of a stack are collected for. */
const NEWS_DEBOUNCE_MS = 1_000;
/** Milliseconds between two news that a stack is as well as before, its objects aside. */
const NEWS_SPACING_MS = 10_000;
/** Milliseconds until the health of a stack that is not healthy is said again. */
const NEWS_REPEAT_MS = 60_000;

/** An object of a stack, and what was seen of it last. */
export class WatchedObject implements Looked, LookMemory {
  readonly stackId: string;
  readonly key: string;
  readonly place: ObjectPlace;
  readonly uid: string;
  readonly mayVanish: boolean;
  lookedMs = -Infinity;
  podsMs = -Infinity;
  podTrouble: ObjectHealth | undefined;
  verdict: SeenHealth | undefined;

  constructor(stackId: string, { key, place, uid, mayVanish = false }: AppliedObject) {
    this.stackId = stackId;
    this.key = key;
    this.place = place;
    this.uid = uid;
    this.mayVanish = mayVanish;
  }
}

/** How many objects are how well; what was not looked at yet is unknown. */
export type HealthCounts = Readonly<Record<HealthStatus, number>>;

/** What a stack says its health with. */
export interface WatchedStackParts {
  readonly clock: Clock;
  readonly onHealth: (stackId: string, news: HealthNews) => void;
  /** Hears how many of a stack's objects are how well, those that are always healthy too; undefined once it is gone. */
  readonly onCounted: (stackId: string, counts: HealthCounts | undefined) => void;
}

/** The objects of one stack whose health is watched, and what was said of them. */
export class WatchedStack {
  readonly #id: string;
  readonly #parts: WatchedStackParts;
  readonly #objects = new Map<string, WatchedObject>();
  #said: HealthNews | undefined;
  #saidMs = -Infinity;
  #alwaysHealthy = 0;
  #timer: { readonly dueMs: number; readonly cancel: () => void } | undefined;

  constructor(id: string, parts: WatchedStackParts) {
    this.#id = id;
    this.#parts = parts;
  }

  get objects(): ReadonlyMap<string, WatchedObject> {
    return this.#objects;
  }

  /** Takes up an object. Says whether it is new here, or was written, so that what was seen of it counts no more. */
  keep(object: AppliedObject): boolean {
    const known = this.#objects.get(object.key);
    if (known?.uid !== object.uid) {
      this.#objects.set(object.key, new WatchedObject(this.#id, object));
      return true;
    }
    if (object.isWritten === true) known.verdict = undefined;
    return object.isWritten === true;
  }

  /** Drops what has none of these keys and uids; returns that. */
  keepOnly(uids: ReadonlyMap<string, string>): readonly WatchedObject[] {
    const dropped = [...this.#objects.values()].filter(({ key, uid }) => uids.get(key) !== uid);
    for (const { key } of dropped) this.#objects.delete(key);
    if (dropped.length > 0) this.#reportSoon();
    return dropped;
  }

  /**
   * A turn ended; what it wrote is worth a word even where nothing changes by it, and soon: somebody may wait for it.
   */
  applied({ hasWritten, alwaysHealthy }: AppliedTurn): void {
    this.#alwaysHealthy = alwaysHealthy;
    this.#parts.onCounted(this.#id, this.#counts());
    if (hasWritten) this.#saidMs = -Infinity;
    if (hasWritten || this.#said === undefined) this.#reportSoon();
  }

  /** A look came to this. */
  seen(object: WatchedObject, { health, reason }: ObjectHealth): void {
    const before = object.verdict;
    object.verdict = { health, atMs: this.#parts.clock.now(), ...(reason === undefined ? {} : { reason }) };
    if (before === undefined || before.health !== health || before.reason !== reason) this.#reportSoon();
  }

  /** Says nothing more. */
  end(): void {
    this.#timer?.cancel();
  }

  #reportSoon(): void {
    this.#reportIn(NEWS_DEBOUNCE_MS);
  }

  #reportIn(ms: number): void {
    const { clock } = this.#parts;
    const dueMs = clock.monotonic() + ms;
    if (this.#timer !== undefined && this.#timer.dueMs <= dueMs) return;
    this.#timer?.cancel();
    this.#timer = { dueMs, cancel: clock.after(ms, () => this.#report()) };
  }

  /** Nothing before every object was seen once: what comes first would only say that little is known. */
  #report(): void {
    const { clock, onHealth } = this.#parts;
    this.#timer = undefined;
    this.#parts.onCounted(this.#id, this.#counts());
    const news = this.#news();
    if (news === undefined) return;
    const restMs = this.#saidMs + NEWS_SPACING_MS - clock.monotonic();
    if (restMs > 0 && news.health === this.#said?.health) return this.#reportIn(restMs);
    this.#said = news;
    this.#saidMs = clock.monotonic();
    onHealth(this.#id, news);
    if (news.health !== "healthy") this.#reportIn(NEWS_REPEAT_MS);
  }

  #counts(): HealthCounts {
    const counts = { healthy: this.#alwaysHealthy, progressing: 0, degraded: 0, unknown: 0 };
    for (const { verdict } of this.#objects.values()) counts[verdict?.health ?? "unknown"] += 1;
    return counts;
  }

  #news(): HealthNews | undefined {
    let worst: WatchedObject | undefined;
    let newestMs: number | undefined;
    for (const object of this.#objects.values()) {
      const { verdict } = object;
      if (verdict === undefined) return undefined;
      newestMs = Math.max(newestMs ?? verdict.atMs, verdict.atMs);
      if (worstOf([worst?.verdict ?? HEALTHY, verdict]) === verdict) worst = object;
    }
    const objects = this.#objects;
    if (worst?.verdict === undefined) return { health: "healthy", atMs: newestMs ?? this.#parts.clock.now(), objects };
    const { place: { resource: { kind }, name }, verdict: { health, reason, atMs } } = worst;
    const words = `${kind} "${name}"${reason === undefined ? "" : `: ${reason}`}`;
    return { health, reason: words.slice(0, REASON_MAX), atMs, objects };
  }
}

const HEALTHY: ObjectHealth = { health: "healthy" };
