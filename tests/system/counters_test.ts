import assert from "node:assert/strict";
import { CATALOGUE } from "../../docs/generate/catalogue.ts";
import { configMap } from "./bundles.ts";
import { gaugeReads } from "./from_outside.ts";
import { type Samples, scrape, sumBy, sumOf } from "./metrics_page.ts";
import { NEVER_LATE } from "./refresh.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const HISTOGRAMS = Object.values(CATALOGUE).flat().filter(({ type }) => type === "histogram");
/** Counters that count what a histogram times: the histogram's name, and the labels that both have. */
const PAIRS = [
  ["brokkr_http_requests_total", "brokkr_http_request_duration_seconds", ["method", "endpoint"]],
  ["brokkr_database_queries_total", "brokkr_database_query_duration_seconds", ["operation"]],
  ["brokkr_job_runs_total", "brokkr_job_duration_seconds", ["task"]],
  ["brokkr_agent_poll_requests_total", "brokkr_agent_poll_duration_seconds", []],
  ["brokkr_agent_kubernetes_operations_total", "brokkr_agent_kubernetes_operation_duration_seconds", ["operation"]],
  ["brokkr_agent_reconciliations_total", "brokkr_agent_reconcile_duration_seconds", ["result"]],
] as const;
/** A request that is held takes as long as nothing happens, and is not timed. */
const HELD = "GET /api/v1/agents/:id/changes";
/** Which begin at nothing in a new process, and are moved by nothing but what is asked of it. */
const OF_REQUESTS = ["brokkr_auth_attempts_total", "brokkr_delivery_duration_seconds_count"];
const STORE = /^brokkr_(stacks_total|deployment_objects_total|deliveries|agents)/;

story(
  "of numbers that agree: histograms with their counters, and with themselves, before and after a kill",
  EVERYWHERE,
  async (parts) => {
    await using world = await openWorld({ parts, brokerSettings: { METRICS__REFRESH_INTERVAL: "1", ...NEVER_LATE } });
    await world.untilApplied(await world.submit(await world.addStack("page"), configMap("page")));
    const settled = await eventually("the delivery is on the page, and the first heartbeat", async () => {
      const page = await scrape(world.broker.url);
      const words = [
        'brokkr_deliveries{state="applied"}',
        'brokkr_deliveries_health{health="healthy"}',
        'brokkr_agents{connectivity="connected"}',
      ];
      return words.every((series) => page.get(series) === 1) && page;
    });
    assertAgree(settled);
    assertAgree(await scrape(world.agent.url));
    const delivered = sumBy(settled, "brokkr_delivery_duration_seconds_count", ["stage"]);
    assert.deepEqual(delivered, new Map([["applied", 1], ["delivered", 1], ["healthy", 1]]));
    await readsWhatItCounts(world);

    await world.agent.kill();
    await world.broker.kill();
    await world.startBroker();
    const anew = await scrape(world.broker.url);
    assertAgree(anew);
    for (const name of OF_REQUESTS) assert.equal(sumOf(anew, name), 0, name);
    assert.deepEqual(apiRequests(anew), []);
    assert.notDeepEqual(apiRequests(settled), []);
    assert.deepEqual(only(anew, STORE), only(settled, STORE));

    await world.startAgent();
    const agent = await scrape(world.agent.url);
    assertAgree(agent);
    assert.equal(
      sumOf(agent, "brokkr_agent_objects_total"),
      agent.get('brokkr_agent_objects_total{action="unchanged"}'),
    );
  },
);

/** What was asked of the API: what waits until a program is ready asks as often as that takes. */
function apiRequests(page: Samples): readonly string[] {
  const isOfApi = /^brokkr_http_requests_total\{.*endpoint="\/api\//;
  return [...page].flatMap(([series, count]) => count > 0 && isOfApi.test(series) ? [series] : []);
}

/** Each run of the job that refreshes the gauges reads them once: so says the server, where one can be asked. */
async function readsWhatItCounts({ broker, servers: { postgres } }: World): Promise<void> {
  if (postgres === undefined) return;
  await eventually("runs were counted as the server counts reads", async () => {
    const runs = (await scrape(broker.url)).get('brokkr_job_runs_total{task="refresh_gauges",result="success"}');
    assert.equal(runs, await gaugeReads(postgres));
    return true;
  });
}

function assertAgree(page: Samples): void {
  for (const { name } of HISTOGRAMS) assertMonotone(page, name);
  for (const [counter, histogram, labels] of PAIRS) {
    const counts = new Map([...sumBy(page, counter, labels)].filter(([key, count]) => key !== HELD && count > 0));
    const timed = [...sumBy(page, `${histogram}_count`, labels)].filter(([, count]) => count > 0);
    assert.deepEqual(new Map(timed), counts, `${histogram} and ${counter}`);
  }
}

/** Every bucket holds at least what the one before holds, the last all, and a sum is there only where a count is. */
function assertMonotone(page: Samples, name: string): void {
  const buckets = Map.groupBy(
    [...page].filter(([series]) => series.startsWith(`${name}_bucket{`)),
    ([series]) => series.replace(/,?le="[^"]*"/, "").replace("_bucket", "").replace("{}", ""),
  );
  for (const [series, samples] of buckets) {
    const counts = samples.map(([, count]) => count);
    assert.deepEqual(counts, counts.toSorted((a, b) => a - b), `${series}: ${counts}`);
    const [count, sum] = ["_count", "_sum"].map((part) => page.get(series.replace(name, `${name}${part}`)));
    assert.equal(counts.at(-1), count, series);
    assert.ok(sum !== undefined && (count === 0 ? sum === 0 : sum >= 0), `${series}: the sum of ${count} is ${sum}`);
  }
}

function only(page: Samples, pattern: RegExp): Readonly<Record<string, number>> {
  return Object.fromEntries([...page].filter(([series]) => pattern.test(series)).sort());
}
