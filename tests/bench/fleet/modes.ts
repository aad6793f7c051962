import { z } from "zod";
import { pause } from "../../run/wait.ts";
import { merged, noSamples, type Samples } from "./samples.ts";
import { EVERY_MS, type FleetWorld, submit } from "./world.ts";

/** What is done to a broker while its fleet is connected. */
export const MODES = ["steady", "rollout", "storm", "churn", "mixed"] as const;
/** One of {@linkcode MODES}. */
export type Mode = (typeof MODES)[number];

/** What the fleet saw, and how long it took until the last agent had done what was asked, where there is such an end. */
export interface Ran {
  readonly samples: Samples;
  readonly overMs?: number;
}

/** Submissions a minute. */
const MIXED_PER_MINUTE = 100;
/** Labels put on agents, and taken from them again, a second. */
const CHURN_PER_SECOND = 5;
const LOOK_EVERY_MS = 250;

/** How each mode runs; `seconds` is for those that have no end of their own. */
export const RUN: Readonly<Record<Mode, (world: FleetWorld, seconds: number) => Promise<Ran>>> = {
  async steady({ fleet }, seconds) {
    await pause(seconds * 1_000);
    return { samples: await fleet.collect() };
  },
  async rollout(world) {
    const startMs = performance.now();
    await submit(world, world.crowd.everyones);
    return await untilAll(world, startMs, ({ reported }) => reported);
  },
  /** A submission that few have yet when the brokers go: no report of it may be lost. */
  async storm(world) {
    const objectId = await submit(world, world.crowd.everyones);
    await world.restart();
    const startMs = performance.now();
    await world.fleet.collect();
    const ran = await untilAll(world, startMs, ({ polled }) => polled);
    const applied = await appliedBy(world, objectId);
    if (applied !== world.crowd.agents.length) throw new Error(`Reports are lost: only ${applied} have come`);
    return ran;
  },
  async churn({ fleet, admin, crowd }, seconds) {
    await everySecondFor(seconds, CHURN_PER_SECOND, async (turn) => {
      const agent = crowd.agents[turn % crowd.agents.length];
      const path = `/agents/${agent?.id}/labels`;
      await admin.send(z.unknown(), "POST", path, {
        agent_id: agent?.id,
        label: `group-${turn % crowd.groups.length}-too`,
      });
      await admin.send(z.unknown(), "DELETE", `${path}/group-${turn % crowd.groups.length}-too`);
    });
    return { samples: await fleet.collect() };
  },
  async mixed(world, seconds) {
    const { groups } = world.crowd;
    await everySecondFor(seconds, MIXED_PER_MINUTE / 60, async (turn) => {
      await submit(world, groups[turn % groups.length] ?? "");
    });
    return { samples: await world.fleet.collect() };
  },
};

/** Waits until every agent is known to have done it: a fleet that never does ends the bench by its last resort. */
async function untilAll(
  { fleet, crowd }: FleetWorld,
  startMs: number,
  done: (samples: Samples) => number,
): Promise<Ran> {
  let samples = noSamples();
  while (performance.now() - startMs < EVERY_MS * 12) {
    samples = merged([samples, await fleet.collect()]);
    if (done(samples) >= crowd.agents.length) return { samples, overMs: performance.now() - startMs };
    await pause(LOOK_EVERY_MS);
  }
  throw new Error(`Cannot measure: only ${done(samples)} of ${crowd.agents.length} agents came to the end`);
}

/** How many agents the broker knows to have applied an object. */
function appliedBy({ server, database }: FleetWorld, objectId: string): Promise<number> {
  return server.asSuperuser(async (sql) => {
    const [row] = await sql<{ count: number }[]>`
      select count(*)::int as count from deliveries where applied_object_id = ${objectId}`;
    return row?.count ?? 0;
  }, database.database);
}

/** Does something so many times a second; what takes longer than its share makes the next one late. */
async function everySecondFor(
  seconds: number,
  perSecond: number,
  work: (turn: number) => Promise<void>,
): Promise<void> {
  const startMs = performance.now();
  for (let turn = 0; turn < seconds * perSecond; turn += 1) {
    await pause(Math.max(0, startMs + turn * 1_000 / perSecond - performance.now()));
    await work(turn);
  }
}
