import { scrape } from "./metrics_page.ts";
import type { Program } from "./programs.ts";
import { eventually } from "./wait.ts";

const REFRESHES = 'brokkr_job_runs_total{task="refresh_gauges",result="success"}';

/** Waits for a refresh of the broker's gauges that began after this: what went before is in them. */
export async function untilRefreshed({ url }: Program): Promise<void> {
  const refreshes = async () => (await scrape(url)).get(REFRESHES) ?? 0;
  const before = await refreshes();
  await eventually("the gauges are refreshed", async () => await refreshes() >= before + 2);
}
