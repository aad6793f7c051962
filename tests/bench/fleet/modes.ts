import { z } from "zod";
import type { Mode } from "../../../docs/generate/scale/measurement.ts";
import { pause } from "../../run/wait.ts";
import { merged, noSamples, type Samples } from "./samples.ts";
import { type FleetWorld, submit } from "./world.ts";

/**
 * What the fleet saw, and how long it took until the last agent had done what was asked, where there is such an end.
 */
export interface Ran {
  readonly samples: Samples;
  readonly overMs?: number;
}

/** Failures that none may have, not even while brokers restart. */
export const [NOT_DONE, LOST] = ["not done", "lost report"] as const;

/** Submissions a minute. */
const MIXED_PER_MINUTE = 100;
/** Labels put on agents, and taken from them again, a second. */
const CHURN_PER_SECOND = 5;
const LOOK_EVERY_MS = 250;
const PATIENCE_MS = 60_000;

/** How each mode runs; `seconds` is for those that have no end of their own. */
export const RUN: Readonly<Record<Mode, (world: FleetWorld, seconds: number) => Promise<Ran>>> = {
  async steady({ fleet }, seconds) {
    await pause(seconds * 1_000);
    return { samples: await fleet.collect() };
  },
  async rollout(world) {
    const startMs = performance.now();
    const submissionMs = await timeOf(submit(world, world.crowd.everyones));
    const { samples, ...ran } = await untilAll(world, startMs, ({ reported }) => reported);
    samples.ms.submission.push(submissionMs);
    return { samples, ...ran };
  },
  /** A submission that few have yet when the brokers go: no report of it may be lost. */
  async storm(world) {
    const objectId = await submit(world, world.crowd.everyones);
    await world.restart();
    const startMs = performance.now();
    await world.fleet.collect();
    const ran = await untilAll(world, startMs, ({ polled }) => polled);
    const lost = await neverApplied(world, objectId);
    if (lost > 0) ran.samples.errors[LOST] = lost;
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
    const submissions = noSamples();
    await everySecondFor(seconds, MIXED_PER_MINUTE / 60, async (turn) => {
      submissions.ms.submission.push(await timeOf(submit(world, groups[turn % groups.length] ?? "")));
    });
    return { samples: merged([submissions, await world.fleet.collect()]) };
  },
};

/** Waits until every agent is known to have done it; those that have not after a minute are failures. */
async function untilAll(
  { fleet, crowd }: FleetWorld,
  startMs: number,
  done: (samples: Samples) => number,
): Promise<Ran> {
  let samples = noSamples();
  for (;;) {
    samples = merged([samples, await fleet.collect()]);
    const overMs = performance.now() - startMs;
    const left = crowd.agents.length - done(samples);
    if (left <= 0) return { samples, overMs };
    if (overMs > PATIENCE_MS) {
      samples.errors[NOT_DONE] = left;
      return { samples, overMs };
    }
    await pause(LOOK_EVERY_MS);
  }
}

/** Of how many agents the broker does not know that they applied an object, however long they are given. */
async function neverApplied({ server, database, crowd }: FleetWorld, objectId: string): Promise<number> {
  const startMs = performance.now();
  for (;;) {
    const [row] = await server.asSuperuser((sql) =>
      sql<{ count: number }[]>`
        select count(*)::int as count from deliveries where applied_object_id = ${objectId}`, database.database);
    const left = crowd.agents.length - (row?.count ?? 0);
    if (left === 0 || performance.now() - startMs > PATIENCE_MS) return left;
    await pause(LOOK_EVERY_MS);
  }
}

/** For how long something is waited for, in milliseconds. */
async function timeOf(work: Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work;
  return performance.now() - startMs;
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
