/**
 * What a resync without drift asks for, where 50,000 objects are in 100 stacks: one list of each kind, in pages of 500,
 * no body of the broker, no write. Counted by the programs' own pages, on the simulated cluster.
 *
 * usage: deno task bench resync [stacks, default 100] [objects of each, default 500]
 */
import { isAvailable } from "../run/parts.ts";
import { growth, type Samples, scrape, sumBy, sumOf } from "../system/metrics_page.ts";
import { eventually } from "../system/wait.ts";
import { openWorld, type World } from "../system/world.ts";
import { fill } from "./large/fleet.ts";
import { processorUs } from "./process.ts";

const PAGE = 500;
const KINDS = 2;
const OPERATIONS = "brokkr_agent_kubernetes_operations_total";
const REQUESTS = "brokkr_http_requests_total";
const QUIET = { AGENT__HEARTBEAT_INTERVAL: "3600", AGENT__RESYNC_INTERVAL: "3600" };
const RESYNC_SECONDS = 20;

async function main(stacks: number, objects: number): Promise<number> {
  await using world = await openWorld({ parts: isAvailable("postgres") ? ["postgres"] : [], agentSettings: QUIET });
  await fill(world, { stacks, objects, characters: 100 });
  await world.agent.stop();
  await world.startAgent({ AGENT__RESYNC_INTERVAL: String(RESYNC_SECONDS) });
  const { asked, fetched, processorMs } = await resync(world, stacks);
  const pages = KINDS * Math.ceil(stacks * objects / KINDS / PAGE);
  const words = [...asked].map(([operation, count]) => `${operation} ${count}`).join(", ");
  console.log(`a resync of ${stacks * objects} objects in ${stacks} stacks: ${words}; bodies fetched: ${fetched};`);
  console.log(
    `${
      processorMs.toFixed(0)
    } ms of a processor. At most ${pages} pages of ${KINDS} kinds, one of parents, and the root`,
  );
  const { list = 0, get = 0, ...others } = Object.fromEntries(asked);
  const faults = [
    ...(list <= pages + 1 ? [] : [`${list} lists, where ${pages + 1} are enough`]),
    ...(get <= 1 ? [] : [`${get} gets, where the root is enough`]),
    ...Object.keys(others).map((operation) => `it asks for ${operation}, too`),
    ...(fetched === 0 ? [] : [`${fetched} bodies are fetched from the broker`]),
  ];
  for (const fault of faults) console.error(`NOT HELD: ${fault}`);
  return faults.length === 0 ? 0 : 1;
}

interface Resync {
  readonly asked: ReadonlyMap<string, number>;
  readonly fetched: number;
  readonly processorMs: number;
}

/** Counts one resync whole: the second, as the first may come while the agent still looks at what there is. */
async function resync(world: World, stacks: number): Promise<Resync> {
  await turns(world, 2 * stacks);
  const before = await pages(world);
  const usBefore = await processorUs(world.agent.pid);
  await turns(world, 3 * stacks);
  const processorMs = (await processorUs(world.agent.pid) - usBefore) / 1_000;
  const after = await pages(world);
  const asked = sumBy(growth(before.agent, after.agent), OPERATIONS, ["operation"]);
  return { asked, fetched: bodies(after.broker) - bodies(before.broker), processorMs };
}

async function turns({ agent }: World, count: number): Promise<void> {
  await eventually(
    `there were ${count} turns`,
    async () => sumOf(await scrape(agent.url), "brokkr_agent_reconciliations_total") >= count,
    { seconds: 10 * RESYNC_SECONDS, everyMs: 200 },
  );
}

async function pages({ agent, broker }: World): Promise<{ readonly agent: Samples; readonly broker: Samples }> {
  return { agent: await scrape(agent.url), broker: await scrape(broker.url) };
}

function bodies(page: Samples): number {
  const byPath = sumBy(page, REQUESTS, ["method", "endpoint"]);
  return [...byPath].filter(([path]) => path.startsWith("GET ") && path.includes("deployment-objects")).reduce(
    (sum, [, count]) => sum + count,
    0,
  );
}

if (import.meta.main) Deno.exit(await main(Number(Deno.args[0] ?? 100), Number(Deno.args[1] ?? 500)));
