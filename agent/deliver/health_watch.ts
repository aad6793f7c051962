import type { Kubernetes } from "$lib/kubernetes.ts";
import type { Log } from "$lib/log.ts";
import { jittered } from "$lib/retry.ts";
import type { ObjectHealth } from "../kube/health/health.ts";
import type { Discovery } from "../kube/discovery.ts";
import type { GroupKind } from "../kube/names.ts";
import { lookAt, wasHealthy } from "./look.ts";
import { LOOK_SPACING_MS, LookQueue } from "./look_queue.ts";
import {
  type AppliedObject,
  type AppliedTurn,
  type HealthNews,
  type WatchedObject,
  WatchedStack,
  type WatchedStackParts,
} from "./watched_stack.ts";

export type { AppliedObject, HealthNews } from "./watched_stack.ts";

/** What watching health needs. */
export interface HealthWatchParts extends WatchedStackParts {
  readonly random: () => number;
  readonly log: Log;
  /** The door that a stack's objects are read through. */
  readonly doorOf: (stackId: string) => Pick<Kubernetes, "get" | "list">;
  readonly discovery: Pick<Discovery, "forget">;
  /** Whether every change of a kind is heard of: objects of another one are looked at after each turn. */
  readonly isWatched: (groupKind: GroupKind) => boolean;
  /** Hears of a stack's health when it changes, after a turn that wrote, and each minute while it is not healthy. */
  readonly onHealth: (stackId: string, news: HealthNews) => void;
}

/** What a stack has in the cluster after a turn. */
export interface AppliedStack extends AppliedTurn {
  /** All of kinds that can be unhealthy. */
  readonly objects: readonly AppliedObject[];
}

/** Milliseconds until what is not healthy is looked at again, though nobody said that it changed: its pods may have. */
const RELOOK_MS = 30_000;

/**
 * Looks at what this agent applied, after each turn and whenever something of it changes, and says how well it works.
 */
export class HealthWatch {
  readonly #parts: HealthWatchParts;
  readonly #signal: AbortSignal;
  readonly #looks: LookQueue<WatchedObject>;
  readonly #stacks = new Map<string, WatchedStack>();

  /** Looks at nothing yet; everything ends when `signal` aborts. */
  constructor(parts: HealthWatchParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
    this.#looks = new LookQueue({ clock: parts.clock, look: (object) => this.#look(object) });
    signal.addEventListener("abort", () => {
      this.#stacks.forEach((stack) => stack.end());
      this.#looks.stop();
    }, { once: true });
  }

  /** A turn ended, and left this of the stack. */
  noteApplied(stackId: string, { objects, ...turn }: AppliedStack): void {
    if (this.#signal.aborted) return;
    const stack = this.#stacks.get(stackId) ?? new WatchedStack(stackId, this.#parts);
    this.#stacks.set(stackId, stack);
    const uids = new Map(objects.map(({ key, uid }) => [key, uid]));
    for (const object of stack.keepOnly(uids)) this.#looks.drop(object);
    for (const object of objects) {
      const isNews = stack.keep(object);
      if (isNews || !this.#parts.isWatched(object.groupKind)) this.#want(stack.objects.get(object.key));
    }
    stack.applied(turn);
  }

  /** A stack is out of the inventory. */
  noteRemoved(stackId: string): void {
    const stack = this.#stacks.get(stackId);
    if (stack === undefined) return;
    this.#stacks.delete(stackId);
    stack.end();
    this.#parts.onCounted(stackId, undefined);
    for (const object of stack.objects.values()) this.#looks.drop(object);
  }

  /** Something of an object changed, or it is gone. */
  changed(stackId: string, key: string): void {
    this.#want(this.#stacks.get(stackId)?.objects.get(key));
  }

  /** Resolves when the signal has aborted and no look is in progress. */
  async ended(): Promise<void> {
    await this.#looks.stop();
  }

  #want(object: WatchedObject | undefined): void {
    if (object !== undefined) this.#looks.want(object, this.#parts.clock.monotonic());
  }

  async #look(object: WatchedObject): Promise<void> {
    const { clock, doorOf, discovery, log, random } = this.#parts;
    const { stackId, key } = object;
    const parts = { clock, discovery, kubernetes: doorOf(stackId) };
    const verdict = await lookAt(object, parts, this.#signal).catch((error): ObjectHealth => {
      if (!this.#signal.aborted) log.error("a look at an object failed", { stack_id: stackId, key, error });
      return { health: "unknown", reason: "the agent could not judge it" };
    });
    const againMs = wasHealthy(object) ? LOOK_SPACING_MS : jittered(RELOOK_MS, random);
    const stack = this.#stacks.get(stackId);
    if (this.#signal.aborted || stack?.objects.get(key) !== object) return;
    if (verdict !== undefined) stack.seen(object, verdict);
    if (verdict?.health === "healthy") return;
    this.#looks.want(object, clock.monotonic() + againMs);
  }
}
