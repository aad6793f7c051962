import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { configMap } from "./bundles.ts";
import { visitConsole } from "./console_visitor.ts";
import { type Samples, scrape, sumBy, sumOf } from "./metrics_page.ts";
import { untilPolled } from "./polls.ts";
import { story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const MINUTE_MS = 60_000;
const STEPS_MS = [10 * MINUTE_MS, -10 * MINUTE_MS, 0];
const POLLS = 3;
const TRANSITIONS = "brokkr_connectivity_transitions_total";
const LAST_SUCCESS = "brokkr_job_last_success_timestamp_seconds";

story(
  "11: the broker's clock steps by ten minutes, forth and back: nobody is lost, nothing stops or is done twice",
  [["postgres"]],
  async (parts) => {
    const clockFile = await Deno.makeTempFile({ prefix: "brokkr-clock-" });
    await Deno.writeTextFile(clockFile, "0");
    await using world = await openWorld({
      parts,
      brokerSettings: { BROKKR_TEST_CLOCK_FILE: clockFile, METRICS__REFRESH_INTERVAL: "1" },
      brokerFlags: ["--preload", fileURLToPath(new URL("stepped_clock.ts", import.meta.url))],
    });
    await using _file = { [Symbol.asyncDispose]: () => Deno.remove(clockFile) };
    const stack = await world.addStack("page");
    await world.untilApplied(await world.submit(stack, configMap("page", { value: "first" })));
    const visitor = await visitConsole(world.broker.url, world.adminPak);
    await eventually(
      "it is noted that the agent has come",
      async () => sumOf(await scrape(world.broker.url), TRANSITIONS) === 1,
    );
    const before = await scrape(world.broker.url);

    for (const stepMs of STEPS_MS) {
      await Deno.writeTextFile(clockFile, String(stepMs));
      await eventually("jobs have run by the clock as it is now", async () => {
        const runs = [...sumBy(await scrape(world.broker.url), LAST_SUCCESS, ["task"]).values()];
        return runs.some((seconds) => Math.abs(seconds * 1_000 - Date.now() - stepMs) < MINUTE_MS);
      });
      await goesOn(world, stack, `step ${stepMs}`);
      assert.match(await visitor.read("/console"), /Sign out/);
    }

    const after = await scrape(world.broker.url);
    const grown = (name: string, labels: readonly string[]) => grownBy(before, after, { name, labels });
    assert.deepEqual(grown(TRANSITIONS, ["to"]), []);
    assert.deepEqual(grown("brokkr_auth_attempts_total", ["result"]).map(([result]) => result), ["success"]);
    assert.deepEqual(grown("brokkr_job_runs_total", ["result"]).filter(([result]) => result === "error"), []);
    assert.equal((await world.events()).length, 1 + STEPS_MS.length);
    for (const name of ["brokkr_http_request_duration_seconds", "brokkr_job_duration_seconds"]) {
      const spentMs = (sumOf(after, `${name}_sum`) - sumOf(before, `${name}_sum`)) * 1_000;
      assert.ok(spentMs >= 0 && spentMs < 10 * MINUTE_MS, `${name}: ${spentMs} ms`);
    }
    assert.doesNotMatch(world.broker.output() + world.agent.output(), /"level":"(warn|error)"|\b(WRN|ERR)\b/i);
  },
);

/** What is submitted is applied and reported once, polls and heartbeats go on, the agent is connected. */
async function goesOn(world: World, stack: string, value: string): Promise<void> {
  const object = await world.submit(stack, configMap("page", { value }));
  await world.untilApplied(object);
  await untilPolled(world, POLLS);
  assert.deepEqual((await world.events(object.id)).map(({ status }) => status), ["SUCCESS"]);
  await eventually("the gauges are read again", async () => {
    const page = await scrape(world.broker.url);
    return page.get('brokkr_agents{connectivity="connected"}') === 1 && sumOf(page, "brokkr_settling_lines") === 0;
  });
}

function grownBy(
  before: Samples,
  after: Samples,
  { name, labels }: { readonly name: string; readonly labels: readonly string[] },
): readonly (readonly [string, number])[] {
  const was = sumBy(before, name, labels);
  return [...sumBy(after, name, labels)]
    .map(([key, value]) => [key, value - (was.get(key) ?? 0)] as const)
    .filter(([, by]) => by !== 0);
}
