import assert from "node:assert/strict";
import { createRegistry } from "$lib/metrics.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import { COUNTED_METRICS } from "../metrics.ts";
import type { Store } from "../store/mod.ts";
import type { SloTurn } from "../store/slo.ts";
import { countSlo } from "./count_slo.ts";

const { signal } = new AbortController();

/** The job over a store of which each turn decides what `turns` say, in order; `undefined` is another replica's. */
function counting(...turns: readonly (SloTurn | undefined | Error)[]) {
  const registry = createRegistry({ clock: new ManualClock(), log: silentLog() });
  const left = [...turns];
  const exclusively: Store["exclusively"] = async (_, work) => {
    const turn = left.shift();
    if (turn === undefined) return false;
    const decide = () => turn instanceof Error ? Promise.reject(turn) : Promise.resolve(turn);
    await work({ slo: { decide } } as unknown as Store);
    return true;
  };
  const { slo: counted } = registry.register(COUNTED_METRICS);
  return {
    job: countSlo({ exclusively }, { intervalMs: 15_000, sloSeconds: 300, counted }),
    left: () => left.length,
    async shown() {
      const page = await registry.page?.("text") ?? "";
      return page.split("\n").filter((line) => line.startsWith("brokkr_delivery_slo_total")).map((line) =>
        line.split(" ")[1]
      );
    },
  };
}

Deno.test("count_slo counts what was decided, turn by turn while a turn is full", async () => {
  const { job, left, shown } = counting(
    { decided: 5_000, counted: { in_time: 4_000, late: 900 } },
    { decided: 3, counted: { late: 3 } },
    { decided: 1, counted: { late: 1 } },
  );

  assert.equal(await job.runOnce(signal), "success");
  assert.deepEqual([left(), await shown()], [1, ["4000", "903"]]);
});

Deno.test("count_slo counts nothing that another replica decides, and nothing that was undone", async () => {
  const skipped = counting(undefined);
  const failed = counting(new Error("undone"));

  assert.equal(await skipped.job.runOnce(signal), "skipped");
  await assert.rejects(failed.job.runOnce(signal), /undone/);
  assert.deepEqual([await skipped.shown(), await failed.shown()], [["0", "0"], ["0", "0"]]);
});

Deno.test("count_slo ends between two turns when the broker stops", async () => {
  const full = { decided: 5_000, counted: { late: 5_000 } };
  const { job, left } = counting(full, full);

  assert.equal(await job.runOnce(AbortSignal.abort()), "success");
  assert.equal(left(), 1);
});
