import { ManualClock } from "./manual_clock.ts";
import type { ApplyWork, TurnContext, Work } from "../../agent/plan/plan.ts";
import { type Retry, StackQueues } from "../../agent/deliver/queues.ts";

/** How a turn of these ends. */
export interface End {
  readonly isSettled: boolean;
  readonly text: string;
  readonly pauseMs?: number;
}
/** A turn that lasts until the test ends it. */
export interface Turn {
  readonly name: string;
  readonly context: TurnContext;
  readonly signal: AbortSignal;
  end(isSettled: boolean, pauseMs?: number): Promise<void>;
  fail(error: Error): Promise<void>;
}

/** Work that applies an object of a stack. */
export function apply(stack: string, object: string, rest: Partial<ApplyWork> = {}): Work {
  return {
    kind: "apply",
    stack: { id: stack, name: stack, generatorId: "g" },
    object: { id: object, checksum: "", sequenceId: 1 },
    policy: { suspended: false, drift: "repair" },
    mayPrune: true,
    mayReplace: true,
    ...rest,
  };
}

/** Work that removes a stack. */
export function remove(stack: string, byPerson = true): Work {
  return { kind: "remove", stack: { id: stack, name: stack }, byPerson };
}

/** Work that only says that it waits. */
export function wait(stack: string): Work {
  return { kind: "wait", stack: { id: stack, name: stack }, reason: "suspended" };
}

/** Works are to be repeated. */
export const AGAIN = { again: { compareAll: false } };

/** The work in two words. */
export function nameOf(work: Work): string {
  return work.kind === "apply" ? `${work.stack.id} ${work.object.id}` : `${work.stack.id} ${work.kind}`;
}

/** Queues whose turns last until the test ends them. */
export function queues({ turnsAtOnce = 8, mayBegin = (): boolean => true } = {}) {
  const clock = new ManualClock();
  const turns: Turn[] = [];
  const ended: (readonly [string, string, Retry | undefined])[] = [];
  const lasted: number[] = [];
  const all = new StackQueues<End>({
    clock,
    turnsAtOnce,
    mayBegin,
    random: () => 0.5,
    perform: (work, context, signal) => {
      const { promise, resolve, reject } = Promise.withResolvers<End>();
      turns.push({
        name: nameOf(work),
        context,
        signal,
        end: async (isSettled, pauseMs) => {
          resolve({ isSettled, text: isSettled ? "done" : "failed", pauseMs });
          await clock.settle();
        },
        fail: async (error) => {
          reject(error);
          await clock.settle();
        },
      });
      return promise;
    },
    endOf: (error) => ({ isSettled: false, text: String(error) }),
    ended: (work, { text }, { retry, seconds }) => {
      ended.push([nameOf(work), text, retry]);
      lasted.push(seconds);
    },
  });
  return { all, clock, turns, ended, lasted, names: () => turns.map(({ name }) => name) };
}
