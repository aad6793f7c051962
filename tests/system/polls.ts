import type { PollResult } from "../../agent/metrics.ts";
import { scrape, sumBy, sumOf } from "./metrics_page.ts";
import { eventually } from "./wait.ts";
import type { World } from "./world.ts";

const POLLS = "brokkr_agent_poll_requests_total";

/** How often the agent has polled so far: with one of these results, or with any where none is named. */
export async function polls({ agent }: World, ...results: readonly PollResult[]): Promise<number> {
  const page = await scrape(agent.url);
  if (results.length === 0) return sumOf(page, POLLS);
  const counts = sumBy(page, POLLS, ["result"]);
  return results.reduce((sum, result) => sum + (counts.get(result) ?? 0), 0);
}

/** Waits until it has done so `count` times more. */
export async function untilPolled(world: World, count: number, ...results: readonly PollResult[]): Promise<void> {
  const start = await polls(world, ...results);
  await eventually(
    `the agent has polled ${count} times more`,
    async () => await polls(world, ...results) >= start + count,
  );
}
