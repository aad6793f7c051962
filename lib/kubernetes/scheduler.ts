import { AbortListeners } from "$lib/abort_listeners.ts";
import type { Clock } from "$lib/clock.ts";

/** How many requests may be in flight, and how often they may go. */
export interface SchedulerLimits {
  /**
   * Requests in flight in this process at once. A lane may have as many as it leaves free, one at least: one alone has
   * half of them, two have a third each. So whoever comes next finds a place, however many lanes wait for what never
   * answers.
   */
  readonly inFlight: number;
  /** Requests a second in the long run; 0 or left out: no limit. */
  readonly qps?: number;
  /** Requests that may go at once before `qps` counts; left out: twice `qps`. */
  readonly burst?: number;
}

/** In whose queue a request waits: a stack's, or that of all requests without one. */
export type Lane = string | undefined;

/** Decides which request to the API server goes next. */
export interface Scheduler {
  /**
   * Runs one try of a request when it is the lane's turn. Whoever waits for something else between two tries does so
   * outside of this, and takes nobody's place.
   *
   * @throws The signal's reason, at once, when that aborts while it waits.
   */
  run<T>(lane: Lane, request: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /**
   * Lets no further request of a stack go for `ms` milliseconds: the API server asked for that. What all the others ask
   * has nothing in common but the lane: a type that is not ready for half a minute is none of the records' business.
   */
  slow(stackId: string, ms: number): void;
  /** Milliseconds for which no request of a stack goes yet, because of that. */
  pauseMs(stackId: string): number;
}

interface Queue {
  readonly waiting: Set<() => void>;
  running: number;
  notBeforeMs: number;
}

/**
 * A scheduler: the lane with the fewest requests in flight goes next, and of those who waited longest since its last.
 */
export function createScheduler(limits: SchedulerLimits, clock: Clock): Scheduler {
  const { inFlight } = limits;
  const rate = createRate(limits);
  const aborts = new AbortListeners();
  const queues = new Map<Lane, Queue>(); // in the order of their last turns
  let running = 0;
  let stopWaiting = () => {};

  function queueOf(lane: Lane): Queue {
    const queue = queues.get(lane) ?? { waiting: new Set(), running: 0, notBeforeMs: 0 };
    queues.set(lane, queue);
    return queue;
  }

  /** Lets go whoever may; sees to it that time does not pass unnoticed for whoever has to wait for it. */
  function dispatch(): void {
    stopWaiting();
    while (running < inFlight) {
      const nowMs = clock.monotonic();
      const [lane, waitMs] = nextLane(queues, { free: inFlight - running, nowMs });
      const pauseMs = Math.max(waitMs, Number.isFinite(waitMs) ? rate.waitMs(nowMs) : 0);
      if (pauseMs > 0) return waitFor(pauseMs);
      rate.take(nowMs);
      begin(lane);
    }
  }

  function waitFor(ms: number): void {
    if (Number.isFinite(ms)) stopWaiting = clock.after(ms, dispatch);
  }

  function begin(lane: Lane): void {
    const queue = queueOf(lane);
    queues.delete(lane);
    queues.set(lane, queue);
    const [first] = queue.waiting;
    running += 1;
    queue.running += 1;
    first?.();
  }

  function end(lane: Lane): void {
    running -= 1;
    queueOf(lane).running -= 1;
    dispatch();
    forgetIdle();
  }

  function forgetIdle(): void {
    const nowMs = clock.monotonic();
    for (const [lane, { waiting, running, notBeforeMs }] of queues) {
      if (waiting.size + running === 0 && notBeforeMs <= nowMs) queues.delete(lane);
    }
  }

  return {
    async run(lane, request, signal) {
      await turnIn(queueOf(lane).waiting, { dispatch, aborts, signal });
      try {
        signal?.throwIfAborted();
        return await request();
      } finally {
        end(lane);
      }
    },
    slow(stackId, ms) {
      const queue = queueOf(stackId);
      queue.notBeforeMs = Math.max(queue.notBeforeMs, clock.monotonic() + ms);
    },
    pauseMs: (stackId) => Math.max(0, (queues.get(stackId)?.notBeforeMs ?? 0) - clock.monotonic()),
  };
}

/**
 * The lane that goes next and how long until it may, which is for ever when nobody waits, or until some request ends.
 */
function nextLane(
  queues: ReadonlyMap<Lane, Queue>,
  { free, nowMs }: { readonly free: number; readonly nowMs: number },
): readonly [lane: Lane, waitMs: number] {
  let next: readonly [Lane, number] = [undefined, Infinity];
  let fewest = Infinity;
  for (const [lane, queue] of queues) {
    const share = Math.max(1, Math.floor((free + queue.running) / 2));
    if (queue.waiting.size === 0 || queue.running >= share) continue;
    const waitMs = Math.max(0, queue.notBeforeMs - nowMs);
    if (waitMs > next[1] || (waitMs === next[1] && queue.running >= fewest)) continue;
    next = [lane, waitMs];
    fewest = queue.running;
  }
  return next;
}

interface Turning {
  readonly dispatch: () => void;
  readonly aborts: AbortListeners;
  readonly signal: AbortSignal | undefined;
}

/**
 * Resolves when whoever gives the turn calls what this adds to `waiting`; most get it at once, as `dispatch` is called.
 */
function turnIn(waiting: Set<() => void>, { dispatch, aborts, signal }: Turning): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    let forget: (() => void) | undefined;
    waiting.add(begin);
    dispatch();
    if (waiting.has(begin) && signal !== undefined) forget = aborts.on(signal, leave);
    function begin(): void {
      waiting.delete(begin);
      forget?.();
      resolve();
    }
    function leave(): void {
      waiting.delete(begin);
      reject(signal?.reason);
    }
  });
}

/** What `qps` and `burst` allow. */
function createRate({ qps = 0, burst = 2 * qps }: SchedulerLimits) {
  const spacingMs = 1000 / qps;
  let lastMs = Number.NEGATIVE_INFINITY;
  const freeAt = (nowMs: number) => Math.max(lastMs + spacingMs, nowMs - (burst - 1) * spacingMs);
  return {
    waitMs: (nowMs: number) => qps <= 0 ? 0 : Math.max(0, freeAt(nowMs) - nowMs),
    take(nowMs: number): void {
      if (qps > 0) lastMs = freeAt(nowMs);
    },
  };
}
