import assert from "node:assert/strict";
import { z } from "zod";
import { CreateAgentResponse } from "$lib/wire/agent.ts";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import { DeploymentObject, Stack } from "$lib/wire/stack.ts";
import { apiClient } from "./api.ts";
import { configMap } from "./bundles.ts";
import { collected, COLLECTING } from "./collected.ts";
import { BUNDLES, HostileClients } from "./hostile_clients.ts";
import { type Samples, scrape, sumBy } from "./metrics_page.ts";
import { untilPolled } from "./polls.ts";
import { story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const ROUNDS = 4;
const AHEAD = 8;
/** What may be kept of what hostile clients sent: less than one of their bodies. */
const KEPT_MAX_BYTES = 8 * 1024 * 1024;
/** What each bound stands for is among what hostile clients do. */
const BOUNDS = ["body_size", "body_time", "key_lookups", "slow_reader"];
const LARGE = 20;
const LARGE_BYTES = 2_000_000;
/** What only the agent at work asks, and refusals of it. */
const REFUSED_TO_AGENT = /^\/api\/v1\/agents\/:id\/(heartbeat|snapshot|events|changes) [45](?!99)/;

story("31: of hostile paths, keys, bodies, bundles and readers nobody else notices", [["postgres"]], async (parts) => {
  await using world = await openWorld({ parts, brokerFlags: COLLECTING });
  const stack = await world.addStack("page");
  const options = await invite(world);
  await honestRounds(world, stack);
  const first = await besieged(world, options, () => honestRounds(world, stack));
  const warm = await collected(world.broker);

  const second = await besieged(world, options, async () => {
    await honestRounds(world, stack);
    await goesAhead(world, { stack, hostile: new HostileClients(options) });
  });

  const after = await collected(world.broker);
  const answered = [...sumBy(after, "brokkr_http_requests_total", ["endpoint", "status"])];
  assert.deepEqual(answered.filter(([one, count]) => count > 0 && REFUSED_TO_AGENT.test(one)), []);
  assert.equal((await scrape(world.agent.url)).get('brokkr_agent_poll_requests_total{result="error"}') ?? 0, 0);
  assert.deepEqual((await world.events()).filter(({ status }) => status === "FAILURE"), []);
  for (const { answers } of [first, second]) {
    const unlisted = [...answers.keys()].filter((answer) =>
      !/ (0|201|400|401|404|405|413|414|422|429|431)$/.test(answer)
    );
    assert.deepEqual(unlisted, [], JSON.stringify([...answers]));
  }
  assert.deepEqual(endpoints(after).difference(endpoints(warm)), new Set());
  const [was = NaN, is = NaN] = [warm, after].map((page) => page.get("deno_heap_used_bytes"));
  assert.ok(is - was <= KEPT_MAX_BYTES, `the heap was ${was}, is ${is}`);
});

/** A generator and an agent that others use against the broker, with bodies that no socket takes at once. */
async function invite({ admin, broker }: World) {
  const { generator, pak } = await admin.send(CreateGeneratorResponse, "POST", "/generators", { name: "mallory" });
  const { agent, initial_pak: agentPak } = await admin.send(CreateAgentResponse, "POST", "/agents", {
    ...{ name: "idle", cluster_name: "mallory", generator_ids: [generator.id] },
  });
  const mine = apiClient(broker.url, pak);
  let stackId = "";
  for (let made = 0; made < LARGE; made += 1) {
    const stack = await mine.send(Stack, "POST", "/stacks", { name: `large-${made}`, generator_id: generator.id });
    stackId = stack.id;
    const large = configMap("large", { value: "x".repeat(LARGE_BYTES) });
    await mine.send(DeploymentObject, "POST", `/stacks/${stackId}/deployment-objects`, large);
    const target = { agent_id: agent.id, stack_id: stackId };
    await mine.send(z.unknown(), "POST", `/agents/${agent.id}/targets`, target);
  }
  return { url: broker.url, pak, stackId, agentPak, agentId: agent.id };
}

/** Submissions that are all taken and applied; heartbeats and polls go on. */
async function honestRounds(world: World, stack: string): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    await world.untilApplied(await world.submit(stack, configMap("page", { value: crypto.randomUUID() })));
    await untilPolled(world, 1);
  }
}

/** Does the work under attack, which goes on until each bound has been met. */
async function besieged(
  world: World,
  options: ConstructorParameters<typeof HostileClients>[0],
  work: () => Promise<void>,
): Promise<HostileClients> {
  const before = await scrape(world.broker.url);
  const hostile = new HostileClients(options);
  const attack = hostile.run();
  try {
    await work();
    await eventually("every bound has been met", async () => {
      const [met, was] = [bounded(await scrape(world.broker.url)), bounded(before)];
      return BOUNDS.every((bound) => (met.get(bound) ?? 0) > (was.get(bound) ?? 0));
    });
  } finally {
    hostile.stop();
    await attack;
  }
  return hostile;
}

/** What requests are counted under: no path of a client's own. */
function endpoints(page: Samples): ReadonlySet<string> {
  return new Set(sumBy(page, "brokkr_http_requests_total", ["endpoint"]).keys());
}

function bounded(page: Samples): ReadonlyMap<string, number> {
  return sumBy(page, "brokkr_http_bounded_total", ["bound"]);
}

/** Whoever has one large bundle is not behind all of somebody else's that came before. */
async function goesAhead(
  { generator }: World,
  { stack, hostile }: { readonly stack: string; readonly hostile: HostileClients },
): Promise<void> {
  let answered = 0;
  const theirs = Array.from({ length: AHEAD }, async (_, at) => {
    await hostile.submit(BUNDLES[at % BUNDLES.length] ?? "");
    answered += 1;
  });
  const own = configMap("page", { value: "x".repeat(10_000) });
  await generator.send(DeploymentObject, "POST", `/stacks/${stack}/deployment-objects`, own);
  const before = answered;
  await Promise.all(theirs);
  assert.ok(before < AHEAD, `all ${before} of another's bundles were answered first`);
}
