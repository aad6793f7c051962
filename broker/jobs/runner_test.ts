import assert from "node:assert/strict";
import { createRegistry } from "$lib/metrics.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import { JOB_METRICS } from "../metrics.ts";
import { type Job, runJobs } from "./runner.ts";

const TASK = "purge_deliveries";
const INTERVAL_MS = 60_000;

function fixture(runOnce: Job["runOnce"], clock = new ManualClock()) {
  const registry = createRegistry({ clock, log: silentLog() });
  const metrics = registry.register(JOB_METRICS);
  const stop = new AbortController();
  const running = runJobs(
    [{ name: TASK, intervalMs: INTERVAL_MS, runOnce }],
    { clock, log: silentLog(), metrics },
    stop.signal,
  );
  return {
    clock,
    async stop() {
      stop.abort();
      await running;
    },
    /** What the page says of the task, its buckets left out. */
    async shown(): Promise<Readonly<Record<string, number>>> {
      const page = await registry.page?.("text") ?? "";
      const lines = page.split("\n").filter((line) => line.includes(`task="${TASK}"`) && !line.includes("_bucket"));
      return Object.fromEntries(lines.map((line) => {
        const [series = "", value] = line.split(" ");
        return [series.replace(`task="${TASK}"`, "").replace("brokkr_job_", ""), Number(value)];
      }));
    },
  };
}

Deno.test("runJobs() counts and times a run that succeeded, and says when that was", async () => {
  const clock = new ManualClock();
  const { stop, shown } = fixture(async () => {
    await clock.sleep(2_500);
    return "success";
  }, clock);

  await clock.advance(2_500);
  const secondsNow = clock.now() / 1_000;
  await stop();

  assert.deepEqual(await shown(), {
    'runs_total{,result="success"}': 1,
    'runs_total{,result="error"}': 0,
    'runs_total{,result="skipped"}': 0,
    "duration_seconds_sum{}": 2.5,
    "duration_seconds_count{}": 1,
    "last_success_timestamp_seconds{}": secondsNow,
  });
});

Deno.test("runJobs() counts and times a run that failed, which is no success", async () => {
  const { clock, stop, shown } = fixture(() => Promise.reject(new Error("no")));

  await clock.settle();
  await stop();

  assert.deepEqual(await shown(), {
    'runs_total{,result="success"}': 0,
    'runs_total{,result="error"}': 1,
    'runs_total{,result="skipped"}': 0,
    "duration_seconds_sum{}": 0,
    "duration_seconds_count{}": 1,
    "last_success_timestamp_seconds{}": 0,
  });
});

Deno.test("runJobs() counts a run that was another replica's, neither timed nor a success", async () => {
  const { clock, stop, shown } = fixture(() => Promise.resolve("skipped"));

  await clock.settle();
  await stop();

  assert.deepEqual(await shown(), {
    'runs_total{,result="success"}': 0,
    'runs_total{,result="error"}': 0,
    'runs_total{,result="skipped"}': 1,
    "duration_seconds_sum{}": 0,
    "duration_seconds_count{}": 0,
    "last_success_timestamp_seconds{}": 0,
  });
});

Deno.test("runJobs() counts no run that the end of the program cut off", async () => {
  const clock = new ManualClock();
  const { stop, shown } = fixture(async (signal) => {
    await clock.sleep(2_500, signal);
    return "success";
  }, clock);
  await clock.settle();

  await stop();

  const { [`runs_total{,result="success"}`]: success, [`runs_total{,result="error"}`]: error } = await shown();
  assert.deepEqual([success, error], [0, 0]);
});
