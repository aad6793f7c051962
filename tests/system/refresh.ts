import { scrape } from "./metrics_page.ts";
import type { Program, Settings } from "./programs.ts";
import { eventually } from "./wait.ts";
import type { World } from "./world.ts";

const REFRESHES = 'brokkr_job_runs_total{task="refresh_gauges",result="success"}';

/** An agent that is dead, or whose machine is busy, stays connected for as long as a test lasts. */
export const NEVER_LATE: Settings = { AGENTS__LATE_AFTER_SECONDS: "6000", AGENTS__LOST_AFTER_SECONDS: "60000" };

/** Makes the last heartbeat of the world's agent, which sends no more, so old. */
export async function ageHeartbeat({ servers: { postgres } }: World, seconds: number): Promise<void> {
  await postgres?.asSuperuser(
    (sql) => sql`update agent_heartbeats set last_heartbeat = now() - make_interval(secs => ${seconds})`,
    postgres.database,
  );
}

/** Makes what is pending have been desired for so long. */
export async function agePending({ servers: { postgres } }: World, seconds: number): Promise<void> {
  await postgres?.asSuperuser(
    (sql) => sql`update deliveries set desired_at = now() - make_interval(secs => ${seconds}) where state = 'pending'`,
    postgres.database,
  );
}

/** Waits for a refresh of the broker's gauges that began after this: what went before is in them. */
export async function untilRefreshed({ url }: Program): Promise<void> {
  const refreshes = async () => (await scrape(url)).get(REFRESHES) ?? 0;
  const before = await refreshes();
  await eventually("the gauges are refreshed", async () => await refreshes() >= before + 2);
}
