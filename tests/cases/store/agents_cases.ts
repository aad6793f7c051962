import assert from "node:assert/strict";
import type { StoreCase } from "./store_world.ts";

const NOBODY = "00000000-0000-4000-8000-000000000000";

/** What the table `agents` must do. */
export const agentsCases: readonly StoreCase[] = [
  {
    claim: "agents.add() makes an inactive agent, registered with the system generator and with those named",
    async run(world) {
      const generator = await world.generator();

      const agent = await world.agent(generator);

      const { items } = await world.store.registrations.listByAgent(agent.id);
      const system = (await world.store.generators.list()).items.find(({ isSystem }) => isSystem);
      assert.equal(agent.status, "INACTIVE");
      assert.deepEqual(new Set(items.map(({ generatorId }) => generatorId)), new Set([generator.id, system?.id]));
    },
  },
  {
    claim: "agents.add() refuses an unknown generator, and leaves no agent behind",
    async run({ store }) {
      const agent = { name: NOBODY, clusterName: "c", pakHash: "f".repeat(64), generatorIds: [NOBODY] };

      await assert.rejects(store.agents.add(agent), { code: "invalid_generator_id" });

      await assert.rejects(store.agents.getByName(NOBODY, "c"), { code: "agent_not_found" });
    },
  },
  {
    claim: "agents.add() refuses a name that another agent of the cluster has, until that one is removed",
    async run(world) {
      const { name, clusterName, id } = await world.agent();
      const same = () => world.store.agents.add({ name, clusterName, pakHash: world.hash(), generatorIds: [] });

      await assert.rejects(same(), {
        code: "unique_violation",
        details: { constraint: "agents_name_cluster_name_key" },
      });
      await world.store.agents.remove(id);

      assert.equal((await same()).name, name);
    },
  },
  {
    claim: "agents.getByName() finds the agent of that cluster only",
    async run(world) {
      const agent = await world.agent();

      assert.equal((await world.store.agents.getByName(agent.name, agent.clusterName)).id, agent.id);
      await assert.rejects(world.store.agents.getByName(agent.name, "elsewhere"), { code: "agent_not_found" });
    },
  },
  {
    claim: "agents.list() gives those of a name, in whatever cluster, or of a generator, or of both",
    async run(world) {
      const [shop, other] = [await world.generator(), await world.generator()];
      const [one, twin] = [await world.agent(shop), await world.agent(other)];
      await world.store.agents.change(twin.id, { name: one.name, clusterName: "elsewhere" });
      const ids = async (filter: { readonly name?: string; readonly generatorId?: string }) =>
        (await world.store.agents.list(filter)).items.map(({ id }) => id);

      assert.deepEqual(await ids({ name: one.name }), [one.id, twin.id]);
      assert.deepEqual(await ids({ name: one.name, generatorId: other.id }), [twin.id]);
      assert.deepEqual([await ids({ generatorId: shop.id }), await ids({ name: "nobody" })], [[one.id], []]);
    },
  },
  {
    claim: "agents.change() changes what it is given; only another status changes the revision",
    async run(world) {
      const { store } = world;
      const agent = await world.agent();
      const name = world.name("renamed");

      assert.equal(await world.raised(agent, () => store.agents.change(agent.id, { name })), 0);
      assert.equal(await world.raised(agent, () => store.agents.change(agent.id, { status: "ACTIVE" })), 1);
      assert.equal(await world.raised(agent, () => store.agents.change(agent.id, { status: "ACTIVE" })), 0);

      const { clusterName, status } = await store.agents.get(agent.id);
      assert.deepEqual({ clusterName, status }, { clusterName: agent.clusterName, status: "ACTIVE" });
    },
  },
  {
    claim: "an inactive agent's snapshot is paused",
    async run(world) {
      const agent = await world.agent();

      assert.equal((await world.store.snapshots.read(agent.id, { isOwn: true })).isPaused, true);
      await world.store.agents.change(agent.id, { status: "ACTIVE" });
      assert.equal((await world.store.snapshots.read(agent.id, { isOwn: true })).isPaused, false);
    },
  },
  {
    claim: "agents.heartbeat() notes the time, and what is said of the API server with its own time",
    async run(world) {
      const { agents } = world.store;
      const agent = await world.agent();

      await agents.heartbeat(agent.id, { k8sReachable: true, k8sApiLatencyMs: 12, k8sVersion: "v1.36.3" });
      await world.database.sql`
        update agent_heartbeats
        set last_heartbeat = now() - interval '1 hour', k8s_reported_at = now() - interval '1 hour'
        where agent_id = ${agent.id}`;
      const first = await agents.get(agent.id);
      await agents.heartbeat(agent.id, { agentVersion: "0.10.0" });
      const second = await agents.get(agent.id);

      assert.ok(first.lastHeartbeat && second.lastHeartbeat && second.lastHeartbeat > first.lastHeartbeat);
      assert.deepEqual(
        [second.k8sReachable, second.k8sApiLatencyMs, second.k8sReportedAt, second.k8sVersion, second.agentVersion],
        [true, 12, first.k8sReportedAt, "v1.36.3", "0.10.0"],
      );
      await agents.heartbeat(agent.id, { k8sReachable: false });
      const third = await agents.get(agent.id);
      assert.deepEqual([third.k8sReachable, third.k8sApiLatencyMs], [false, undefined]);
    },
  },
  {
    claim: "what a broker of 0.10.0 noted of an agent counts while it is the later, and no longer",
    async run(world) {
      const { agents } = world.store;
      const agent = await world.agent();
      await agents.heartbeat(agent.id, { k8sReachable: true, k8sApiLatencyMs: 12, agentVersion: "0.11.0" });
      const ours = await agents.get(agent.id);

      await world.database.sql`
        update agents set last_heartbeat = now() + interval '1 hour', k8s_reachable = false,
          k8s_reported_at = now() + interval '1 hour', agent_version = '0.10.0'
        where id = ${agent.id}`;
      const theirs = await agents.get(agent.id);
      await world.database.sql`
        update agents set last_heartbeat = now() - interval '1 hour', k8s_reported_at = now() - interval '1 hour'
        where id = ${agent.id}`;

      assert.deepEqual([theirs.k8sReachable, theirs.k8sApiLatencyMs, theirs.agentVersion], [
        false,
        undefined,
        "0.10.0",
      ]);
      assert.ok(ours.lastHeartbeat && theirs.lastHeartbeat && theirs.lastHeartbeat > ours.lastHeartbeat);
      const { heartbeatAgeSeconds } = await agents.get(agent.id);
      assert.deepEqual({ ...await agents.get(agent.id), heartbeatAgeSeconds }, { ...ours, heartbeatAgeSeconds });
    },
  },
  {
    claim: "heartbeats that arrive together each count, two of one agent as one that says what either says",
    async run(world) {
      const { agents } = world.store;
      const [one, other] = [await world.agent(), await world.agent()];
      const unknown = crypto.randomUUID();

      const outcomes = await Promise.allSettled([
        agents.heartbeat(one.id, { k8sReachable: true, k8sApiLatencyMs: 7, k8sVersion: "v1.36.3" }),
        agents.heartbeat(unknown, {}),
        agents.heartbeat(other.id, { k8sReachable: false }),
        agents.heartbeat(one.id, { agentVersion: "0.11.0" }),
      ]);

      const { k8sReachable, k8sApiLatencyMs, k8sVersion, agentVersion } = await agents.get(one.id);
      assert.deepEqual(outcomes.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled", "fulfilled"]);
      assert.deepEqual([k8sReachable, k8sApiLatencyMs, k8sVersion, agentVersion], [true, 7, "v1.36.3", "0.11.0"]);
      assert.equal((await agents.get(other.id)).k8sReachable, false);
    },
  },
  {
    claim: "agents.remove() takes its deliveries and its key away, and every method says agent_not_found",
    async run(world) {
      const { store } = world;
      const linked = await world.applied();
      const { id } = linked.agent;
      const pakHash = world.hash();
      await store.agents.changePak(id, { pakHash: pakHash, keepsFormer: false });
      assert.equal((await store.keys.find(pakHash))?.caller.id, id);

      await store.agents.remove(id);

      assert.equal(await world.delivery(linked), undefined);
      assert.equal(await store.keys.find(pakHash), undefined);
      const calls = [
        () => store.agents.get(id),
        () => store.agents.change(id, { status: "ACTIVE" }),
        () => store.agents.remove(id),
        () => store.agents.changePak(id, { pakHash: world.hash(), keepsFormer: false }),
        () => store.agents.heartbeat(id, {}),
        () => store.agents.approvePrune(id, { revision: 1 }),
        () => store.snapshots.version(id),
        () => store.snapshots.read(id, { isOwn: true }),
        () => store.snapshots.targetState(id, { mode: "full", isOwn: true }),
        () => store.agentTags.addLabel(id, "a"),
        () => store.agentTags.listLabels(id),
        () => store.targets.add(id, linked.stack.id),
        () => store.registrations.add(id, linked.generator.id),
        () => world.report(linked, { state: "applied" }),
      ];
      for (const call of calls) await assert.rejects(call, { code: "agent_not_found" });
    },
  },
  {
    claim: "a removed agent gets no delivery from a submission, and keeps no other agent from one",
    async run(world) {
      const { generator, agent, stack } = await world.linked();
      const other = await world.agent(generator);
      await world.store.targets.add(other.id, stack.id);
      await world.store.agents.remove(agent.id);

      await world.submit(stack);

      assert.equal(await world.state({ agent, stack }), undefined);
      assert.equal(await world.state({ agent: other, stack }), "pending");
    },
  },
];
