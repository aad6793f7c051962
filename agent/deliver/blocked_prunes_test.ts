import assert from "node:assert/strict";
import { apply, remove, wait } from "../../tests/fakes/stack_queues.ts";
import { GaugeFamily } from "$lib/metrics/families.ts";
import { AGENT_METRICS } from "../metrics.ts";
import type { Work } from "../plan/plan.ts";
import { BlockedPrunes } from "./blocked_prunes.ts";

function held(stack: string): Work {
  return { kind: "wait", stack: { id: stack, name: stack }, reason: "prune_held", revision: 1 };
}

/** A count, and what was shown of it last. */
function counting() {
  const shown: (number | undefined)[] = [];
  class Shown extends GaugeFamily {
    override record(value: number): void {
      shown.push(value);
    }

    override clear(): void {
      shown.push(undefined);
    }
  }
  return {
    blocked: new BlockedPrunes(new Shown(AGENT_METRICS.prunesBlocked, { now: () => 0, onRejected: () => {} })),
    shown,
  };
}

Deno.test("stacks that wait for the guard or for an epoch count once they are planned, suspended ones do not", () => {
  const { blocked, shown } = counting();
  const onHold: Work = { kind: "wait", stack: { id: "b", name: "b" }, reason: "epoch_hold" };

  blocked.planned([held("a"), onHold, wait("c"), apply("d", "1"), remove("e")]);
  blocked.planned([apply("a", "1"), wait("c")]);

  assert.deepEqual(shown, [2, 0]);
});

Deno.test("a stack counts whose turn left something, until a turn leaves nothing or nobody wants it any more", () => {
  const { blocked, shown } = counting();
  const [a, b] = [apply("a", "1"), remove("b")];
  blocked.planned([a, b]);

  blocked.ended(a, { state: "blocked", reason: "prune_held" });
  blocked.ended(b, { state: "blocked", reason: "namespace_not_empty" });
  blocked.ended(b, { state: "blocked", reason: "going" });
  blocked.ended(a, { state: "applied" });
  blocked.ended(a, { state: "blocked", reason: "prune_held" });
  blocked.planned([b]);

  assert.deepEqual(shown, [0, 1, 2, 1, 0, 1, 0]);
});

Deno.test("a stack stays counted through a plan that wants the same of it", () => {
  const { blocked, shown } = counting();
  const work = apply("a", "1");
  blocked.planned([work]);
  blocked.ended(work, { state: "blocked", reason: "prune_held" });

  blocked.planned([work]);

  assert.deepEqual(shown, [0, 1, 1]);
});

Deno.test("no count is shown while nothing is planned", () => {
  const { blocked, shown } = counting();
  blocked.ended(remove("a"), { state: "blocked", reason: "prune_held" });
  blocked.planned([held("a")]);

  blocked.planned(undefined);
  blocked.ended(remove("a"), { state: "blocked", reason: "prune_held" });

  assert.deepEqual(shown, [undefined, 1, undefined, undefined]);
});
