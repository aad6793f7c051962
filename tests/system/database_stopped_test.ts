import assert from "node:assert/strict";
import { STORE_METRICS } from "../../broker/metrics.ts";
import { testWith } from "../run/parts.ts";
import { configMap } from "./bundles.ts";
import { growth, readSamples, type Samples } from "./metrics_page.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const REFRESH_SECONDS = 1;
const REFRESH_ERRORS = 'brokkr_job_runs_total{task="refresh_gauges",result="error"}';
const PAGES = 20;
const STORE = Object.values(STORE_METRICS).map(({ name }) => name);

testWith(
  "postgres",
  "story 14: the page outlives the database: quick, without old gauges, and with the errors counted",
  async () => {
    await using world = await openWorld({
      parts: ["postgres"],
      brokerSettings: { METRICS__REFRESH_INTERVAL: String(REFRESH_SECONDS) },
    });
    const { postgres = assert.fail("no PostgreSQL") } = world.servers;
    const stack = await world.addStack("page");
    await world.untilApplied(await world.submit(stack, configMap("page")));
    const before = await timed(world);
    assert.deepEqual(storeFamilies(before.page), STORE);
    assert.equal((await readyz(world)).status, 200);

    const usualMs = medianMs(await timedPages(world, () => PAGES));
    await postgres.stop();
    const hasFailed = (page: Samples) => growth(before.page, page).has(REFRESH_ERRORS);
    const pages = await timedPages(world, (page) => hasFailed(page) ? PAGES : Infinity);
    const stale = pages.filter(({ page }) => hasFailed(page)).flatMap(({ page }) => storeFamilies(page));
    assert.deepEqual(stale, [], "the first refresh that fails takes the old gauges away");
    const tookMs = medianMs(pages.slice(-PAGES));
    assert.ok(tookMs <= 10 * usualMs + 50, `half of the pages took up to ${tookMs} ms, and ${usualMs} ms before`);
    await eventually("readiness says 503", async () => (await readyz(world)).status === 503);

    const away = await eventually("errors are counted", async () => {
      await world.admin.call("GET", "/stacks");
      const { page } = await timed(world);
      const grown = growth(before.page, page);
      return grown.has('brokkr_database_query_errors_total{operation="select"}') &&
        grown.has(REFRESH_ERRORS) && page;
    });
    assert.deepEqual(storeFamilies(away), []);

    await postgres.start();
    await eventually("the broker is ready", async () => (await readyz(world)).status === 200);
    await eventually(
      "every gauge is back",
      async () => storeFamilies((await timed(world)).page).length === STORE.length,
    );
    const { page } = await timed(world);
    assert.equal(page.get("process_start_time_seconds"), before.page.get("process_start_time_seconds"));
    await world.untilApplied(await world.submit(stack, configMap("page", { value: "2" })));
  },
);

async function timed({ broker }: World): Promise<Timed> {
  const start = performance.now();
  const answer = await fetch(`${broker.url}/metrics`);
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return { page: readSamples(text), ms: performance.now() - start };
}

interface Timed {
  readonly page: Samples;
  readonly ms: number;
}

/** Pages until so many were taken; how many it is may show on a page. */
async function timedPages(world: World, countOf: (page: Samples) => number): Promise<readonly Timed[]> {
  const pages: Timed[] = [];
  for (let left = Infinity; left > 0; left -= 1) {
    const taken = await timed(world);
    pages.push(taken);
    left = Math.min(left, countOf(taken.page));
  }
  return pages;
}

/** What half of them took at most; others use the processor as well. */
function medianMs(pages: readonly Timed[]): number {
  return pages.map(({ ms }) => ms).sort((a, b) => a - b)[Math.floor(pages.length / 2)] ?? NaN;
}

function readyz({ broker }: World): Promise<Response> {
  return fetch(`${broker.url}/readyz`).then(async (answer) => {
    await answer.body?.cancel();
    return answer;
  });
}

/** The families of the store that have a series, in the order of their declarations. */
function storeFamilies(page: Samples): readonly string[] {
  const names = new Set([...page.keys()].map((series) => series.replace(/\{.*/, "")));
  return STORE.filter((name) => names.has(name));
}
