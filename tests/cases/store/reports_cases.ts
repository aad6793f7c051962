import assert from "node:assert/strict";
import type { Report } from "../../../broker/domain/delivery.ts";
import type { StoreCase } from "./store_world.ts";

const NOBODY = "00000000-0000-4000-8000-000000000000";

/** What a report does: the tables `deliveries` and `agent_events`, and the approval of what is held. */
export const reportsCases: readonly StoreCase[] = [
  {
    claim: "a report moves the delivery, leaves an event, and raises no revision",
    async run(world) {
      const linked = await world.linked();
      const object = await world.submit(linked.stack);
      await world.poll(linked.agent);

      const raised = await world.raised(linked.agent, async () => {
        const { event, change } = await world.report(linked, { state: "applied", message: "ConfigMap a created" });
        assert.deepEqual(
          [event?.deploymentObjectId, event?.eventType, event?.status, event?.message],
          [object.id, "DEPLOY", "SUCCESS", "ConfigMap a created"],
        );
        assert.deepEqual([change?.before.state, change?.after.state], ["pending", "applied"]);
      });

      const delivery = await world.delivery(linked);
      assert.equal(raised, 0);
      assert.deepEqual([delivery?.state, delivery?.appliedObjectId], ["applied", object.id]);
      assert.ok(delivery?.appliedAt && delivery.deliveredAt && delivery.appliedAt >= delivery.deliveredAt);
    },
  },
  {
    claim: "a report sent twice is one event and counted once; the same number of another start is another report",
    async run(world) {
      const linked = await world.linked();
      await world.submit(linked.stack);
      const report = { state: "failed", bootId: crypto.randomUUID(), seq: 7 } as const;

      const first = await world.report(linked, report);
      const second = await world.report(linked, report);
      const other = await world.report(linked, { ...report, bootId: crypto.randomUUID() });

      assert.ok(first.change && first.event);
      assert.deepEqual(second, { event: first.event });
      assert.notEqual(other.event?.id, first.event.id);
      assert.equal((await world.delivery(linked))?.attempts, 2);
      assert.equal((await world.store.events.list({ agentId: linked.agent.id })).items.length, 2);
    },
  },
  {
    claim: "what an existing agent says of an object again is the event that it was; what differs is another",
    async run(world) {
      const linked = await world.linked();
      const beside = { ...linked, stack: await world.stack(linked.generator) };
      await world.store.targets.add(linked.agent.id, beside.stack.id);
      const [object, besideObject] = [await world.submit(linked.stack), await world.submit(beside.stack)];
      const applied = { state: "applied", eventType: "DEPLOY", message: "done" } as const;
      const say = async (more: Partial<Report> = {}) =>
        (await world.report(linked, { ...applied, objectId: object.id, ...more })).event?.id;

      const first = await say();
      await world.report(beside, { ...applied, objectId: besideObject.id });
      const again = [await say(), await say()];
      const others = [await say({ message: "again" }), await say({ state: "failed" }), await say()];
      const numbered = [];
      for (const seq of [1, 2]) numbered.push(await say({ bootId: crypto.randomUUID(), seq }));

      assert.deepEqual(again, [first, first]);
      assert.equal(new Set([first, ...others, ...numbered]).size, 6);
      assert.equal((await world.store.events.list({ agentId: linked.agent.id })).items.length, 7);
      assert.equal(await world.state(linked), "applied");
    },
  },
  {
    claim: "events.list() of a generator are those of the agents that are registered with it, page after page",
    async run(world) {
      const { events, registrations } = world.store;
      const [one, stranger] = [await world.applied(), await world.applied()];
      const other = await world.agent(one.generator);
      await world.store.targets.add(other.id, one.stack.id);
      await world.poll(other);
      await world.report({ agent: other, stack: one.stack }, { state: "failed" });
      const filter = { generatorId: one.generator.id };
      const whose = async () => (await events.list(filter)).items.map(({ agentId }) => agentId);

      const both = await whose();
      const page = await events.list(filter, { limit: 1 });
      const rest = await events.list(filter, { limit: 1, cursor: page.next ?? "" });
      await registrations.remove(one.agent.id, one.generator.id);

      assert.deepEqual(both, [other.id, one.agent.id]);
      assert.deepEqual([...page.items, ...rest.items].map(({ agentId }) => agentId), both);
      assert.deepEqual(await whose(), [other.id]);
      assert.equal(both.includes(stranger.agent.id), false);
      assert.deepEqual(
        [await world.store.keys.isGenerator(one.generator.id), await world.store.keys.isGenerator(one.agent.id)],
        [true, false],
      );
    },
  },
  {
    claim: "`applying` leaves no event",
    async run(world) {
      const linked = await world.linked();
      await world.submit(linked.stack);

      const { event } = await world.report(linked, { state: "applying" });

      assert.equal(event, undefined);
      assert.equal(await world.state(linked), "applying");
      assert.deepEqual((await world.store.events.list({ agentId: linked.agent.id })).items, []);
    },
  },
  {
    claim: "a report on another object than the desired one tells only what is applied",
    async run(world) {
      const linked = await world.linked();
      const old = await world.submit(linked.stack);
      const desired = await world.submit(linked.stack);

      await world.report(linked, { state: "applied", objectId: old.id });

      const delivery = await world.delivery(linked);
      assert.deepEqual(
        [delivery?.state, delivery?.desiredObjectId, delivery?.appliedObjectId, delivery?.appliedAt],
        ["pending", desired.id, old.id, undefined],
      );
    },
  },
  {
    claim: "a failure on a terminating delivery sets reason and message, and the state stays",
    async run(world) {
      const linked = await world.applied();
      await world.store.stacks.remove(linked.stack.id);
      const nextRetryAt = new Date("2030-01-01T00:00:00Z");

      const { event } = await world.report(linked, { state: "failed", reason: "stuck", message: "why", nextRetryAt });

      const delivery = await world.delivery(linked);
      assert.deepEqual(
        [delivery?.state, delivery?.reason, delivery?.message, delivery?.nextRetryAt],
        ["terminating", "stuck", "why", nextRetryAt],
      );
      assert.deepEqual([event?.eventType, event?.status], ["DELETE", "FAILURE"]);
    },
  },
  {
    claim: "a report on what is not there, or not the agent's, is refused and leaves nothing",
    async run(world) {
      const linked = await world.linked();
      const stranger = await world.agent();
      const object = await world.submit(linked.stack);
      const other = await world.stack();

      await assert.rejects(world.report({ ...linked, agent: stranger }, { state: "applied", objectId: object.id }), {
        code: "agent_not_associated",
      });
      await assert.rejects(world.report(linked, { state: "applied", objectId: NOBODY }), {
        code: "deployment_object_not_found",
      });
      await assert.rejects(world.report({ ...linked, stack: other }, { state: "applied", objectId: object.id }), {
        code: "stack_id_mismatch",
      });
      assert.deepEqual((await world.store.events.list({ agentId: stranger.id })).items, []);
    },
  },
  {
    claim: "a report on a stack without a delivery names no object: not found",
    async run(world) {
      const linked = await world.linked();

      await assert.rejects(world.report(linked, { state: "applied" }), { code: "deployment_object_not_found" });
    },
  },
  {
    claim: "that a stack is gone which is not there for the agent is taken in silence, again and again",
    async run(world) {
      const linked = await world.linked();
      const { agent, stack } = linked;
      const removed = { state: "removed", message: "nothing to do" } as const;
      const outcomes = [await world.report(linked, removed)];
      await world.store.stacks.remove(stack.id);
      const before = await world.revision(agent);

      outcomes.push(
        await world.report(linked, removed),
        await world.report(linked, { ...removed, objectId: NOBODY }),
        await world.report({ agent, stack: { ...stack, id: NOBODY } }, removed),
      );

      assert.deepEqual(outcomes, Array(4).fill({ event: undefined }));
      assert.deepEqual((await world.store.events.list({ agentId: agent.id })).items, []);
      assert.equal(await world.revision(agent), before);
      const loud = world.report({ agent, stack: { ...stack, id: NOBODY } }, { state: "failed" });
      await assert.rejects(loud, { code: "agent_not_associated" });
    },
  },
  {
    claim: "a removal is an event once: what is said of it again is none, unless it names what came back",
    async run(world) {
      const linked = await world.applied();
      await world.store.stacks.remove(linked.stack.id);
      const removed = { state: "removed", bootId: crypto.randomUUID(), seq: 1 } as const;
      const kept = [{ kind: "PersistentVolumeClaim", namespace: "shop", name: "disk", action: "kept" }] as const;
      const back = [{
        kind: "ConfigMap",
        namespace: "shop",
        name: "a",
        action: "failed",
        error: "reappeared",
      }] as const;

      const first = await world.report(linked, { ...removed, results: kept });
      const message = (await world.delivery(linked))?.message;
      const repeated = await world.report(linked, { ...removed, results: kept });
      const again = await world.report(linked, { ...removed, seq: 2 });
      const more = await world.report(linked, { ...removed, seq: 3, results: back });

      assert.deepEqual([first.event?.eventType, first.event?.status], ["DELETE", "SUCCESS"]);
      assert.equal(message, "PersistentVolumeClaim shop/disk kept");
      assert.deepEqual([repeated.event, again], [first.event, { event: undefined }]);
      assert.equal(more.event?.message, "ConfigMap shop/a failed: reappeared");
      assert.deepEqual(
        [await world.state(linked), (await world.delivery(linked))?.message],
        ["removed", "ConfigMap shop/a failed: reappeared"],
      );
    },
  },
  {
    claim: "an old client's word that something was deleted is an event each time",
    async run(world) {
      const linked = await world.applied();
      const marker = await world.submit(linked.stack, { isDeletionMarker: true });
      const removed = { state: "removed", eventType: "DELETE", objectId: marker.id } as const;

      const first = await world.report(linked, removed);
      const second = await world.report(linked, removed);

      assert.deepEqual([first.event?.status, second.event?.status], ["SUCCESS", "SUCCESS"]);
    },
  },
  {
    claim: "what is held can be approved at its revision only; the approval stays until nothing is held",
    async run(world) {
      const { agents, snapshots, targets } = world.store;
      const linked = await world.applied();
      const { agent, stack } = linked;
      const approved = async () => (await snapshots.read(agent.id, { isOwn: false })).pruneApproved;
      await targets.remove(agent.id, stack.id);
      const revision = await world.revision(agent);
      await assert.rejects(agents.approvePrune(agent.id, { revision }), { code: "nothing_held" });

      await world.report(linked, { state: "blocked", reason: "prune_held", revision });
      assert.equal(await world.state(linked), "terminating");
      await assert.rejects(agents.approvePrune(agent.id, { revision: revision + 1 }), { code: "nothing_held" });
      assert.equal(await world.raised(agent, () => agents.approvePrune(agent.id, { revision })), 1);
      assert.equal(await approved(), revision);
      assert.equal(await world.raised(agent, () => agents.approvePrune(agent.id, { revision })), 0);
      assert.ok(await world.raised(agent, () => world.report(linked, { state: "removed" })) > 0);

      assert.equal(await approved(), undefined);
    },
  },
  {
    claim: "a held removal stays as it is when something else of its agent changes",
    async run(world) {
      const linked = await world.applied();
      const { agent, stack } = linked;
      await world.store.targets.remove(agent.id, stack.id);
      const revision = await world.revision(agent);
      await world.report(linked, { state: "blocked", reason: "prune_held", revision });
      await world.store.agents.approvePrune(agent.id, { revision });
      const before = await world.delivery(linked);

      await world.store.agentTags.addLabel(agent.id, "else");

      assert.deepEqual(await world.delivery(linked), before);
      assert.equal((await world.store.snapshots.read(agent.id, { isOwn: false })).pruneApproved, revision);
    },
  },
  {
    claim: "a report ends the approval of its own agent only; an agent that is deleted takes its approval along",
    async run(world) {
      const [reporting, other] = [await world.applied(), await world.applied()];
      await world.database.sql`update agents set prune_approved = 1 where id = ${other.agent.id}`;
      const approvals = async () =>
        await Promise.all([reporting, other].map(async ({ agent }) => {
          const [row] = await world.database.sql<{ prune_approved: number | null }>`
            select prune_approved from agents where id = ${agent.id}`;
          return row?.prune_approved;
        }));

      await world.store.targets.remove(reporting.agent.id, reporting.stack.id);
      await world.database.sql`update agents set prune_approved = 1 where id = ${reporting.agent.id}`;
      await world.report(reporting, { state: "removed" });
      const reported = await approvals();
      await world.store.agents.remove(other.agent.id);

      assert.deepEqual([reported, await approvals()], [[null, 1], [null, null]]);
    },
  },
  {
    claim: "another failure in place of the hold ends the approval",
    async run(world) {
      const linked = await world.applied();
      const { agent, stack } = linked;
      await world.store.targets.remove(agent.id, stack.id);
      const revision = await world.revision(agent);
      await world.report(linked, { state: "blocked", reason: "prune_held", revision });
      await world.store.agents.approvePrune(agent.id, { revision });

      assert.ok(await world.raised(agent, () => world.report(linked, { state: "failed", reason: "stuck" })) > 0);

      assert.equal((await world.store.snapshots.read(agent.id, { isOwn: false })).pruneApproved, undefined);
    },
  },
  {
    claim: "an association that returns ends the hold, and with it the approval",
    async run(world) {
      const linked = await world.applied();
      const { agent, stack } = linked;
      await world.store.targets.remove(agent.id, stack.id);
      const revision = await world.revision(agent);
      await world.report(linked, { state: "blocked", reason: "prune_held", revision });
      await world.store.agents.approvePrune(agent.id, { revision });

      await world.store.targets.add(agent.id, stack.id);

      assert.equal((await world.store.snapshots.read(agent.id, { isOwn: false })).pruneApproved, undefined);
      assert.equal((await world.delivery(linked))?.reason, undefined);
    },
  },
  {
    claim: "events are listed newest first, got by id, and purged when they are older than the retention",
    async run(world) {
      const { events } = world.store;
      const linked = await world.linked();
      await world.submit(linked.stack);
      await world.report(linked, { state: "failed" });
      await world.report(linked, { state: "applied" });
      const { items } = await events.list({ agentId: linked.agent.id });
      assert.deepEqual(items.map(({ status }) => status), ["SUCCESS", "FAILURE"]);
      const [newest, oldest] = items;
      assert.deepEqual(await events.get(newest?.id ?? ""), newest);
      const page = await events.list({ agentId: linked.agent.id }, { limit: 1 });
      assert.deepEqual((await events.list({ agentId: linked.agent.id }, { cursor: page.next })).items, [oldest]);
      await world.database.sql`
        update agent_events set created_at = now() - interval '31 days' where id = ${oldest?.id ?? NOBODY}`;

      assert.equal(await events.purge(30, 10), 1);

      assert.deepEqual((await events.list({ agentId: linked.agent.id })).items, [newest]);
      await assert.rejects(events.get(oldest?.id ?? NOBODY), { code: "agent_event_not_found" });
    },
  },
];
