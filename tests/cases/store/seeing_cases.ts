import assert from "node:assert/strict";
import type { HealthStatus, ObjectResult } from "$lib/wire/event.ts";
import type { Health } from "../../../broker/domain/delivery.ts";
import type { DeliveryFilter } from "../../../broker/domain/seen_delivery.ts";
import type { Page, Paging } from "../../../broker/store/mod.ts";
import { LIMITS, type Linked, type StoreCase, type StoreWorld } from "./store_world.ts";

const HOUR = 3_600;

/** What is seen of deliveries: since when they are healthy, and lists of them by what is wrong. */
export const seeingCases: readonly StoreCase[] = [
  {
    claim: "a delivery is healthy from the first report that says so of the desired object, until that is another",
    async run(world) {
      const linked = await world.applied();
      const healthyAt = async () => (await world.delivery(linked))?.healthyAt;
      const seen: (Date | undefined)[] = [await healthyAt()];
      for (const status of ["progressing", "healthy", "degraded", "healthy"] as const) {
        await world.report(linked, { state: "applied", health: health(status) });
        seen.push(await healthyAt());
      }

      await world.submit(linked.stack);
      const another = await healthyAt();
      await world.report(linked, { state: "applied" });
      const withoutAWord = await healthyAt();

      const [, , first] = seen;
      assert.ok(first);
      assert.deepEqual(seen, [undefined, undefined, first, first, first]);
      assert.deepEqual([another, withoutAWord], [undefined, undefined]);
    },
  },
  {
    claim: "what failed is not healthy, whatever is said of what was there before",
    async run(world) {
      const linked = await world.applied();
      await world.submit(linked.stack);

      await world.report(linked, { state: "failed", reason: "refused", health: health("healthy") });

      assert.equal((await world.delivery(linked))?.healthyAt, undefined);
    },
  },
  {
    claim: "a delivery that is settled back onto what its agent has, and said works, is healthy again",
    async run(world) {
      const linked = await world.applied();
      await world.report(linked, { state: "applied", health: health("healthy") });
      const other = await world.submit(linked.stack);
      await world.database.sql`update deployment_objects set deleted_at = now() where id = ${other.id}`;
      await world.store.stackTags.addLabel(linked.stack.id, world.name("label"));

      const delivery = await world.delivery(linked);

      assert.equal(delivery?.state, "applied");
      assert.ok(delivery?.healthyAt);
    },
  },
  {
    claim: "a time of an object before, as a broker of 0.10.0 leaves it, is not the desired one's",
    async run(world) {
      const linked = await world.applied();
      await world.report(linked, { state: "applied", health: health("healthy") });

      await world.database.sql`
        update deliveries set desired_at = now() where agent_id = ${linked.agent.id} and stack_id = ${linked.stack.id}`;

      assert.equal((await world.delivery(linked))?.healthyAt, undefined);
    },
  },
  {
    claim: "objects are counted by their health, those that were deleted or released are not",
    async run(world) {
      const linked = await world.applied();
      const results = [
        result("a", { health: "healthy" }),
        result("b", { health: "degraded" }),
        result("c", {}),
        result("d", { action: "deleted" }),
        result("e", { action: "kept", health: "healthy" }),
      ];

      await world.report(linked, { state: "applied", results });
      await world.report(linked, { state: "applied" });

      const counts = { healthy: 1, progressing: 0, degraded: 1, unknown: 1 };
      assert.deepEqual((await world.delivery(linked))?.objects, counts);
      await world.report(linked, { state: "removed" });
      assert.equal((await world.delivery(linked))?.objects, undefined);
    },
  },
  {
    claim: "health alone, without a state, changes no state and leaves no event",
    async run(world) {
      const linked = await world.applied();
      const before = await world.delivery(linked);
      const degraded = health("degraded");

      const { event } = await world.report(linked, { health: degraded });

      const after = await world.delivery(linked);
      assert.equal(event, undefined);
      const { observedAt, desiredAt: unhealthySince } = after ?? {};
      assert.deepEqual(after, { ...before, health: degraded, unhealthySince, observedAt });
    },
  },
  {
    claim: "deliveries are listed with the troubled ones first, the oldest first among equals, page by page",
    async run(world) {
      const { stack, agents } = await fleet(world);

      const whole = await world.store.deliveries.list({ stackId: stack.id }, LIMITS);
      const paged = await allPages(({ limit, cursor }) =>
        world.store.deliveries.list({ stackId: stack.id }, LIMITS, { limit, cursor })
      );

      const names = whole.items.map(({ agent }) => agent.id);
      assert.deepEqual(names, ["blocked", "failed", "degraded", "pending", "healthy", "late"].map((it) => agents[it]));
      assert.deepEqual(paged.map(({ agent }) => agent.id), names);
      assert.equal(whole.next, undefined);
    },
  },
  {
    claim: "deliveries are listed by state, health, age, agent, stack and generator, and by how connected the agent is",
    async run(world) {
      const { stack, generator, agents } = await fleet(world);
      const names = new Map(Object.entries(agents).map(([name, id]) => [id, name]));
      const listed = async (filter: DeliveryFilter) => {
        const { items } = await world.store.deliveries.list({ stackId: stack.id, ...filter }, LIMITS);
        return items.map(({ agent }) => names.get(agent.id)).join(" ");
      };

      assert.equal(await listed({ state: "failed" }), "failed");
      assert.equal(await listed({ health: "healthy" }), "healthy");
      assert.equal(await listed({ health: "unknown" }), "blocked failed pending late");
      assert.equal(await listed({ connectivity: "late" }), "late");
      assert.equal(await listed({ isStale: true }), "late");
      assert.equal(await listed({ isStale: false, health: "degraded" }), "degraded");
      assert.equal(await listed({ isStale: true, health: "healthy" }), "");
      assert.equal(await listed({ olderThanSeconds: 6.5 * HOUR }), "");
      assert.equal(await listed({ olderThanSeconds: 5.5 * HOUR }), "blocked");
      assert.equal(await listed({ agentId: agents["pending"] }), "pending");
      assert.equal(await listed({ agentId: agents["late"], isStale: false }), "");
      assert.equal(await listed({ generatorId: generator.id, state: "pending" }), "pending");
      assert.equal(await listed({ generatorId: (await world.generator()).id }), "");
      assert.equal(await listed({ stackId: undefined, generatorId: generator.id, health: "degraded" }), "degraded");
    },
  },
  {
    claim: "a cursor that no page gave is refused",
    async run(world) {
      const list = world.store.deliveries.list({}, LIMITS, { cursor: "bm8" });

      await assert.rejects(list, { code: "invalid_parameters" });
    },
  },
  {
    claim: "one delivery is got with whose it is, and what is not there is delivery_not_found",
    async run(world) {
      const { agent, stack, object, generator } = await world.applied();

      const seen = await world.store.deliveries.get(agent.id, stack.id);

      const reference = { id: object.id, sequenceId: object.sequenceId, submittedAt: object.submittedAt };
      const { settledAt, ...desired } = seen.desired;
      assert.ok(settledAt);
      assert.deepEqual([desired, seen.applied], [reference, reference]);
      assert.deepEqual(seen.stack, { id: stack.id, name: stack.name, generatorId: generator.id });
      assert.deepEqual([seen.agent.name, seen.agent.heartbeatAgeSeconds], [agent.name, undefined]);
      const none = world.store.deliveries.get((await world.agent()).id, stack.id);
      await assert.rejects(none, { code: "delivery_not_found" });
    },
  },
  {
    claim: "the history of a delivery is that of its agent and stack alone, newest first",
    async run(world) {
      const linked = await world.applied();
      await world.submit(linked.stack);
      await world.report(linked, { state: "failed", message: "quota" });
      await world.store.targets.add((await world.agent(linked.generator)).id, linked.stack.id);

      const history = await world.store.events.listOfDelivery(linked.agent.id, linked.stack.id, 20);
      const newest = await world.store.events.listOfDelivery(linked.agent.id, linked.stack.id, 1);

      assert.deepEqual(history.map(({ status, message }) => [status, message]), [["FAILURE", "quota"], [
        "SUCCESS",
        undefined,
      ]]);
      assert.deepEqual(newest, history.slice(0, 1));
    },
  },
  {
    claim: "an agent is shown with the age of its heartbeat and its deliveries by state and health",
    async run(world) {
      const linked = await world.applied();
      await world.report(linked, { health: health("degraded") });
      const before = await world.store.agents.get(linked.agent.id);

      await heard(world, linked.agent.id, HOUR);

      const after = await world.store.agents.get(linked.agent.id);
      assert.deepEqual(before.deliveries, [{ state: "applied", health: "degraded", deliveries: 1 }]);
      assert.equal(before.heartbeatAgeSeconds, undefined);
      const { heartbeatAgeSeconds = 0 } = after;
      assert.ok(heartbeatAgeSeconds >= HOUR && heartbeatAgeSeconds < 2 * HOUR, `${heartbeatAgeSeconds}`);
    },
  },
  {
    claim: "what was submitted to a stack says what is settled, and what can be submitted again",
    async run(world) {
      const { stack } = await world.applied();
      const [lost, marker, newest] = [
        await world.submit(stack),
        await world.submit(stack, { isDeletionMarker: true }),
        await world.submit(stack),
      ];
      await world.database.sql`update deployment_objects set body_kept = false where id = ${lost.id}`;
      await world.database.sql`update deployment_objects set settled_at = null where id = ${newest.id}`;

      const submissions = await world.store.causeFacts.submissions(stack.id);

      assert.deepEqual(
        submissions.map(({ sequenceId, isSettled, isRepeatable }) => [sequenceId, isSettled, isRepeatable]).slice(0, 3),
        [[newest.sequenceId, false, true], [marker.sequenceId, true, false], [lost.sequenceId, true, false]],
      );
    },
  },
];

function health(status: HealthStatus): Health {
  return { status, reason: undefined, at: new Date() };
}

function result(name: string, rest: Partial<ObjectResult>): ObjectResult {
  return { kind: "ConfigMap", name, action: "unchanged", ...rest };
}

/** One stack on agents that are named for what is with it, each desired an hour after the one before. */
async function fleet(world: StoreWorld) {
  const generator = await world.generator();
  const stack = await world.stack(generator);
  const reports = {
    blocked: { state: "blocked", reason: "suspended" },
    failed: { state: "failed" },
    degraded: { state: "applied", health: health("degraded") },
    pending: undefined,
    healthy: { state: "applied", health: health("healthy") },
    late: { state: "applied", health: health("healthy") },
  } as const;
  const agents: Record<string, string> = {};
  await world.submit(stack);
  for (const [index, [name, report]] of Object.entries(reports).entries()) {
    const agent = await world.agent(generator);
    await world.store.targets.add(agent.id, stack.id);
    if (report !== undefined) await world.report({ agent, stack }, report);
    await heard(world, agent.id, name === "late" ? LIMITS.lateAfterSeconds : 0);
    await world.database.sql`
      update deliveries set desired_at = now() - make_interval(secs => ${(6 - index) * HOUR})
      where agent_id = ${agent.id}`;
    agents[name] = agent.id;
  }
  return { generator, stack, agents };
}

/** Makes an agent's last heartbeat so many seconds old. */
async function heard(world: StoreWorld, agentId: Linked["agent"]["id"], secondsAgo: number): Promise<void> {
  await world.store.agents.heartbeat(agentId, {});
  await world.database.sql`
    update agent_heartbeats set last_heartbeat = now() - make_interval(secs => ${secondsAgo})
    where agent_id = ${agentId}`;
}

/** All items of a list, two at a time. */
async function allPages<T>(read: (paging: Paging) => Promise<Page<T>>): Promise<readonly T[]> {
  const items: T[] = [];
  let paging: Paging | undefined = { limit: 2 };
  while (paging !== undefined) {
    const page: Page<T> = await read(paging);
    assert.ok(page.items.length <= 2);
    items.push(...page.items);
    paging = page.next === undefined ? undefined : { limit: 2, cursor: page.next };
  }
  return items;
}
