import assert from "node:assert/strict";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import type { ChangeAnswer } from "../broker_client.ts";
import { waitForChanges } from "./push.ts";

type Answer = ChangeAnswer | Error;
const UNCHANGED: ChangeAnswer = { kind: "unchanged", pauseMs: 0 };

/**
 * Waits for changes that end as `answers` say, in order; then one is never answered. `happened` has each question with
 * when it came, and each poll that was wanted; a poll finds the revision that `found` says.
 */
function waiting({ answers, found = [] }: { readonly answers: Answer[]; readonly found?: number[] }) {
  const clock = new ManualClock();
  const happened: string[] = [];
  const stop = new AbortController();
  const first = Promise.withResolvers<void>();
  let revision: number | undefined;
  const ended = waitForChanges({
    ...{ agentId: "a", clock, random: () => 0.5, log: silentLog() },
    broker: {
      async awaitChange({ since }, signal) {
        happened.push(`${clock.monotonic()}: since ${since}`);
        const answer = answers.shift();
        if (answer instanceof Error) throw answer;
        return answer ??
          await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    },
    sync: {
      get revision() {
        return revision;
      },
      polled: first.promise,
      pollNow() {
        happened.push("polled");
        revision = found.shift() ?? revision;
        return Promise.resolve();
      },
    },
  }, stop.signal);
  /** The first snapshot comes, and time passes. */
  async function run(ms: number): Promise<readonly string[]> {
    await clock.settle();
    revision = 1;
    first.resolve();
    await clock.advance(ms);
    stop.abort();
    await ended;
    assert.equal(clock.pending, 0);
    return happened;
  }
  return { run };
}

Deno.test("waitForChanges() waits from the first snapshot on, and has each change polled for", async () => {
  const { run } = waiting({ answers: [{ kind: "changed" }, UNCHANGED, { kind: "changed" }], found: [2, 5] });

  assert.deepEqual(await run(1_000), [
    "50: since 1",
    "polled",
    "100: since 2",
    "150: since 2",
    "polled",
    "200: since 5",
  ]);
});

Deno.test("waitForChanges() backs off while waits fail, and while polls do not find what it is told of", async () => {
  const answers: Answer[] = [new Error("away"), new Error("away"), { kind: "changed" }, { kind: "changed" }, UNCHANGED];
  const { run } = waiting({ answers });

  const happened = await run(20_000);

  assert.deepEqual(happened, [
    ...["50: since 1", "1050: since 1"],
    ...["3050: since 1", "polled", "7050: since 1", "polled"],
    ...["15050: since 1", "15100: since 1"],
  ]);
});

Deno.test("waitForChanges() asks a broker that knows no such waits again after five minutes", async () => {
  const { run } = waiting({ answers: [{ kind: "unknown" }] });

  assert.deepEqual(await run(400_000), ["50: since 1", "300100: since 1"]);
});

Deno.test("waitForChanges() leaves a broker that stops alone for as long as that says", async () => {
  const { run } = waiting({ answers: [{ kind: "unchanged", pauseMs: 7_000 }] });

  assert.deepEqual(await run(10_000), ["50: since 1", "7100: since 1"]);
});
