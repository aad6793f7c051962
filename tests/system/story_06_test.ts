import assert from "node:assert/strict";
import { configMap } from "./bundles.ts";
import { scrape, sumOf } from "./metrics_page.ts";
import { polls } from "./polls.ts";
import { type Interceptor, startProxy } from "./proxy.ts";
import { LIGHT, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const PAGE = "/api/v1/namespaces/default/configmaps/page";

interface Lie {
  readonly name: string;
  readonly of: (truth: string) => string;
}

const LIES: readonly Lie[] = [
  { name: "an empty body", of: () => "" },
  { name: "{}", of: () => "{}" },
  { name: "an empty list", of: () => "[]" },
  { name: "a snapshot without complete", of: (truth) => changed(truth, { complete: undefined, stacks: [] }) },
  { name: "a snapshot that is not complete", of: (truth) => changed(truth, { complete: false, stacks: [] }) },
  { name: "a truncated snapshot", of: (truth) => truth.slice(0, truth.length - 10) },
  { name: "a snapshot whose stacks are null", of: (truth) => changed(truth, { stacks: null }) },
  { name: "a snapshot with a malformed stack", of: (truth) => changed(truth, { stacks: [{ stack_id: "no uuid" }] }) },
];

story("6: an empty, incomplete, truncated or malformed snapshot deletes nothing", LIGHT, async (parts) => {
  let lie: Lie | undefined;
  const lying: Interceptor = async (request, forward) => {
    if (lie === undefined || !new URL(request.url).pathname.endsWith("/snapshot")) return await forward(request);
    const truth = await (await forward(new Request(request, { headers: withoutCondition(request) }))).text();
    return new Response(lie.of(truth), { headers: { "content-type": "application/json" } });
  };
  await using proxy = startProxy(lying);
  await using world = await openWorld({
    parts,
    brokerUrlOfAgent: (url) => proxy.before(url),
    agentSettings: { AGENT__RESYNC_INTERVAL: "1" },
  });
  await world.untilApplied(await world.submit(await world.addStack("page"), configMap("page")));
  const before = await world.cluster.get(PAGE);

  for (const next of LIES) {
    const errors = await polls(world, "error");
    lie = next;
    await eventually(`a poll met ${next.name}`, async () => await polls(world, "error") > errors);
    await untilLookedAt(world);
    assert.deepEqual((await world.cluster.get(PAGE))?.metadata.uid, before?.metadata.uid, next.name);
    const good = await goodPolls(world);
    lie = undefined;
    await eventually("a poll met the truth", async () => await goodPolls(world) > good);
  }

  await world.untilApplied(await world.submit(await world.addStack("more"), configMap("more")));
  assert.deepEqual((await world.cluster.get(PAGE))?.metadata.uid, before?.metadata.uid);
});

/** Polls that were believed; after one the agent's back-off begins anew. */
function goodPolls(world: World): Promise<number> {
  return polls(world, "success", "empty");
}

/** Turns of the stack that began after the lie: an agent that believed it would have deleted the object in one. */
async function untilLookedAt(world: World): Promise<void> {
  const turns = async () => sumOf(await scrape(world.agent.url), "brokkr_agent_reconciliations_total");
  const before = await turns();
  await eventually("two turns have ended since", async () => await turns() >= before + 2);
}

function changed(truth: string, change: Record<string, unknown>): string {
  return JSON.stringify({ ...JSON.parse(truth), revision: JSON.parse(truth).revision + 1, ...change });
}

function withoutCondition(request: Request): Headers {
  const headers = new Headers(request.headers);
  headers.delete("if-none-match");
  return headers;
}
