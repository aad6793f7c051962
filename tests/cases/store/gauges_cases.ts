import assert from "node:assert/strict";
import type { HealthStatus } from "$lib/wire/event.ts";
import { AGENT_VERSIONS_MAX, type StoreGauges } from "../../../broker/domain/gauges.ts";
import { LIMITS, type Linked, type StoreCase, type StoreWorld } from "./store_world.ts";

const { lateAfterSeconds: LATE, lostAfterSeconds: LOST } = LIMITS;

/** What the gauges of the store count, whatever other cases left behind. */
export const gaugesCases: readonly StoreCase[] = [
  {
    claim: "gauges tell active agents by the age of their heartbeat: late and lost from the very limit on",
    async run(world) {
      const grown = await growth(world, async () => {
        await heard(world, undefined);
        await heard(world, LATE / 2);
        await heard(world, LATE);
        await heard(world, LOST / 2);
        await heard(world, LOST);
        await heard(world, LATE, { status: "INACTIVE" });
        await world.store.agents.remove((await heard(world, LATE)).id);
      });

      assert.deepEqual(grown.agents, { connected: 1, late: 2, lost: 1, never: 1 });
      assert.equal(grown.activeAgents, 4);
    },
  },
  {
    claim: "gauges count deliveries by state, each state alone",
    async run(world) {
      const grown = await growth(world, async () => {
        for (const state of ["applying", "applied", "failed", "blocked"] as const) {
          const linked = await world.linked();
          await world.submit(linked.stack);
          await world.report(linked, { state });
        }
        await world.submit((await world.linked()).stack);
        const [going, gone] = [await world.applied(), await world.applied()];
        for (const { agent, stack } of [going, gone]) await world.store.targets.remove(agent.id, stack.id);
        await world.report(gone, { state: "removed" });
      });

      assert.deepEqual(grown.deliveries, {
        pending: 1,
        applying: 1,
        applied: 1,
        failed: 1,
        blocked: 1,
        terminating: 1,
        removed: 1,
      });
    },
  },
  {
    claim: "gauges give the age of the oldest pending delivery to an active agent, since it was desired",
    async run(world) {
      const { sql } = world.database;
      const [active, paused, applied] = [await world.linked(), await world.linked(), await world.applied()];
      for (const { stack } of [active, paused]) await world.submit(stack);
      for (const { agent } of [active, applied]) await world.store.agents.change(agent.id, { status: "ACTIVE" });
      await sql`update deliveries set desired_at = now() - interval '2 h' where agent_id = ${active.agent.id}`;
      await sql`
        update deliveries set desired_at = now() - interval '3 h'
        where agent_id in (${paused.agent.id}, ${applied.agent.id})`;

      const { oldestPendingAgeSeconds } = await world.store.gauges.read(LIMITS);
      await world.report(active, { state: "applied" });
      const after = await world.store.gauges.read(LIMITS);

      mustBeSince(oldestPendingAgeSeconds, 7_200);
      assert.ok(after.oldestPendingAgeSeconds < 7_000, `${after.oldestPendingAgeSeconds}`);
    },
  },
  {
    claim:
      "gauges count deliveries by health: what an agent that is late last said is unknown, and stale where it is active",
    async run(world) {
      const grown = await growth(world, async () => {
        for (const status of ["healthy", "progressing", "degraded"] as const) await working(world, status);
        await silent(world, await working(world, "healthy"), LATE);
        await silent(world, await working(world, "healthy"), LATE / 2);
        await silent(world, await working(world, "degraded", { status: "INACTIVE" }), 2 * LATE);
        const gone = await working(world, "healthy");
        await world.store.targets.remove(gone.agent.id, gone.stack.id);
        await world.report(gone, { state: "removed" });
      });

      assert.deepEqual(grown.deliveriesByHealth, { healthy: 2, progressing: 1, degraded: 1, unknown: 2 });
      assert.equal(grown.staleDeliveries, 1);
    },
  },
  {
    claim:
      "gauges give for how long a connected active agent has not had something healthy, whatever is desired meanwhile",
    async run(world) {
      const { sql } = world.database;
      const worst = await working(world, "healthy");
      const [lost, paused] = [
        await working(world, "degraded"),
        await working(world, "degraded", { status: "INACTIVE" }),
      ];
      const age = async () => (await world.store.gauges.read(LIMITS)).oldestUnhealthyAgeSeconds;
      const since = async ({ agent }: Linked, interval: string) =>
        await sql`update deliveries set unhealthy_since = now() - ${interval}::interval where agent_id = ${agent.id}`;
      const says = (status: HealthStatus) =>
        world.report(worst, { state: "applied", health: { status, at: new Date() } });
      await silent(world, lost, LOST);
      for (const one of [lost, paused]) await since(one, "5 h");

      await says("degraded");
      const first = await age();
      await since(worst, "3 h");
      await world.submit(worst.stack);
      await says("progressing");
      const later = await age();
      await says("healthy");

      assert.ok(first < 1_000, `${first}`);
      mustBeSince(later, 10_800);
      assert.ok(await age() < 10_000);
    },
  },
  {
    claim: "gauges find the delivery that is unhealthy for longest, however many older ones do not count",
    async run(world) {
      const { sql } = world.database;
      const [counts, lost] = [await working(world, "degraded"), await working(world, "degraded")];
      await silent(world, lost, LOST);
      await sql`
        insert into stacks (name, generator_id)
        select 'unhealthy-' || n, generator_id from generate_series(1, 1001) n, stacks where id = ${counts.stack.id}`;
      await sql`
        insert into deliveries (
          agent_id, stack_id, desired_object_id, applied_object_id, state, first_seen_at, health, unhealthy_since
        )
        select agent_id, stacks.id, desired_object_id, applied_object_id, state, first_seen_at, health,
          now() - interval '5 h'
        from deliveries, stacks where agent_id = ${lost.agent.id} and stacks.name like 'unhealthy-%'`;
      await sql`
        update deliveries set unhealthy_since = now() - interval '3 h' where agent_id = ${counts.agent.id}`;

      const { oldestUnhealthyAgeSeconds } = await world.store.gauges.read(LIMITS);

      mustBeSince(oldestUnhealthyAgeSeconds, 10_800);
    },
  },
  {
    claim: "gauges count active agents by whether they reach their API server, as those that are connected last said",
    async run(world) {
      const grown = await growth(world, async () => {
        const [reaches, fails, silentOne] = [await heard(world, 0), await heard(world, 0), await heard(world, 0)];
        await world.store.agents.heartbeat(reaches.id, { k8sReachable: true });
        await world.store.agents.heartbeat(fails.id, { k8sReachable: false });
        await world.store.agents.heartbeat(silentOne.id, { k8sReachable: true });
        await silent(world, { agent: silentOne }, LATE);
        await heard(world, 0);
        await heard(world, 0, { status: "INACTIVE" });
      });

      assert.deepEqual(grown.kubernetes, { true: 1, false: 1, unknown: 2 });
    },
  },
  {
    claim: "gauges count active agents by version: as many as are told apart, and what is none is other",
    async run(world) {
      const said = async (agentVersion: string) =>
        await world.store.agents.heartbeat((await heard(world, 0)).id, { agentVersion });
      const before = await world.store.gauges.read(LIMITS);
      for (const odd of ["latest", "1.2", '1.2.3"} 5', "x".repeat(200)]) await said(odd);
      for (const version of ["1.2.3", "1.2.3-rc.1+a5", "1.2.3"]) await said(version);

      const { versions } = await world.store.gauges.read(LIMITS);
      for (let at = 0; at < 30; at += 1) await said(`7.${at}.0`);
      const many = (await world.store.gauges.read(LIMITS)).versions;

      assert.equal((versions.other ?? 0) - (before.versions.other ?? 0), 4);
      assert.deepEqual([versions["1.2.3"], versions["1.2.3-rc.1+a5"]], [2, 1]);
      assert.equal(Object.keys(many).length, AGENT_VERSIONS_MAX + 1);
      assert.deepEqual([many["1.2.3"], many["7.0.0"]], [2, undefined]);
      const sum = (counts: Readonly<Record<string, number>>) =>
        Object.values(counts).reduce((all, one) => all + one, 0);
      assert.equal(sum(many), sum(before.versions) + 37);
    },
  },
];

/** The age that was given, and what has passed since. */
function mustBeSince(ageSeconds: number, givenSeconds: number): void {
  assert.ok(ageSeconds >= givenSeconds && ageSeconds < givenSeconds + 1_000, `${ageSeconds}`);
}

type Counts = Pick<
  StoreGauges,
  "activeAgents" | "agents" | "deliveries" | "deliveriesByHealth" | "staleDeliveries" | "kubernetes"
>;

/** By how much `work` raises each count. */
async function growth({ store }: StoreWorld, work: () => Promise<void>): Promise<Counts> {
  const before = await store.gauges.read(LIMITS);
  await work();
  const after = await store.gauges.read(LIMITS);
  return {
    activeAgents: after.activeAgents - before.activeAgents,
    agents: difference(after.agents, before.agents),
    deliveries: difference(after.deliveries, before.deliveries),
    deliveriesByHealth: difference(after.deliveriesByHealth, before.deliveriesByHealth),
    staleDeliveries: after.staleDeliveries - before.staleDeliveries,
    kubernetes: difference(after.kubernetes, before.kubernetes),
  };
}

function difference<Key extends string>(
  after: Readonly<Record<Key, number>>,
  before: Readonly<Record<Key, number>>,
): Record<Key, number> {
  const keys = Object.keys(after) as Key[];
  return Object.fromEntries(keys.map((key) => [key, after[key] - before[key]])) as Record<Key, number>;
}

/** An agent whose last heartbeat is so many seconds old. */
async function heard(
  world: StoreWorld,
  secondsAgo: number | undefined,
  { status = "ACTIVE" }: { readonly status?: "ACTIVE" | "INACTIVE" } = {},
) {
  const agent = await world.agent();
  await world.store.agents.change(agent.id, { status });
  if (secondsAgo !== undefined) {
    await world.store.agents.heartbeat(agent.id, {});
    await silent(world, { agent }, secondsAgo);
  }
  return agent;
}

async function silent({ database }: StoreWorld, { agent }: Pick<Linked, "agent">, seconds: number): Promise<void> {
  await database.sql`
    update agent_heartbeats set last_heartbeat = now() - make_interval(secs => ${seconds}) where agent_id = ${agent.id}`;
}

/** A connected agent that applied a stack's object, which works as it says. */
async function working(
  world: StoreWorld,
  health: HealthStatus,
  { status = "ACTIVE" }: { readonly status?: "ACTIVE" | "INACTIVE" } = {},
): Promise<Linked> {
  const linked = await world.applied();
  await world.store.agents.change(linked.agent.id, { status });
  await world.store.agents.heartbeat(linked.agent.id, {});
  await world.report(linked, { state: "applied", health: { status: health, at: new Date() } });
  return linked;
}
