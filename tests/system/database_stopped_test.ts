import assert from "node:assert/strict";
import { STORE_METRICS } from "../../broker/metrics.ts";
import { testWith } from "../run/parts.ts";
import { configMap } from "./bundles.ts";
import type { PostgresServer } from "../postgres/postgres_server.ts";
import { locked, waiting } from "./locked.ts";
import { growth, type Samples, scrape } from "./metrics_page.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const REFRESH_SECONDS = 1;
const REFRESH_ERRORS = 'brokkr_job_runs_total{task="refresh_gauges",result="error"}';
const PAGES = 20;
const STORE = Object.values(STORE_METRICS).map(({ name }) => name);

testWith(
  "postgres",
  "story 14: the page outlives the database: without waiting for it, without old gauges, and with the errors counted",
  async () => {
    await using world = await openWorld({
      parts: ["postgres"],
      brokerSettings: { METRICS__REFRESH_INTERVAL: String(REFRESH_SECONDS) },
    });
    const { postgres = assert.fail("no PostgreSQL") } = world.servers;
    const stack = await world.addStack("page");
    await world.untilApplied(await world.submit(stack, configMap("page")));
    const before = await eventually("every gauge is there, of the agent's version too", async () => {
      const page = await scrape(world.broker.url);
      return storeFamilies(page).length === STORE.length && page;
    });
    await eventually("the broker is ready", async () => (await readyz(world)).status === 200);

    await servesWhileItWaits(world, postgres);
    await postgres.stop();
    const hasFailed = (page: Samples) => growth(before, page).has(REFRESH_ERRORS);
    const pages = await pagesUntil(world, hasFailed);
    const stale = pages.filter(hasFailed).flatMap(storeFamilies);
    assert.deepEqual(stale, [], "the first refresh that fails takes the old gauges away");
    await eventually("readiness says 503", async () => (await readyz(world)).status === 503);

    const away = await eventually("errors are counted", async () => {
      await world.admin.call("GET", "/stacks");
      const page = await scrape(world.broker.url);
      const grown = growth(before, page);
      return grown.has('brokkr_database_query_errors_total{operation="select"}') &&
        grown.has(REFRESH_ERRORS) && page;
    });
    assert.deepEqual(storeFamilies(away), []);

    await postgres.start();
    await eventually("the broker is ready", async () => (await readyz(world)).status === 200);
    await eventually(
      "every gauge is back",
      async () => storeFamilies(await scrape(world.broker.url)).length === STORE.length,
    );
    const page = await scrape(world.broker.url);
    assert.equal(page.get("process_start_time_seconds"), before.get("process_start_time_seconds"));
    await world.untilApplied(await world.submit(stack, configMap("page", { value: "2" })));
  },
);

/** Nothing of a page waits for the database: pages come while what their gauges are made of waits for a lock. */
async function servesWhileItWaits({ broker }: World, postgres: PostgresServer): Promise<void> {
  await using lock = await locked(postgres, "stacks", "access exclusive");
  await eventually("a refresh waits", async () => await waiting(postgres) > 0);
  const before = await scrape(broker.url);
  for (let page = 0; page < PAGES; page += 1) await scrape(broker.url);
  const givenUp = growth(before, await scrape(broker.url)).get(REFRESH_ERRORS) ?? 0;
  await lock.release();
  assert.ok(givenUp < PAGES / 2, `${givenUp} statements were given up meanwhile: each after half a minute`);
}

/** Pages until one is so, and some more. */
async function pagesUntil({ broker }: World, isSo: (page: Samples) => boolean): Promise<readonly Samples[]> {
  const pages: Samples[] = [];
  for (let left = Infinity; left > 0; left -= 1) {
    const page = await scrape(broker.url);
    pages.push(page);
    if (isSo(page)) left = Math.min(left, PAGES);
  }
  return pages;
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
