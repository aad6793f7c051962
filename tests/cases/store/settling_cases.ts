import assert from "node:assert/strict";
import type { Agent } from "../../../broker/domain/agent.ts";
import type { Stack } from "../../../broker/domain/stack.ts";
import type { Store } from "../../../broker/store/mod.ts";
import { openStore, type StoreOptions } from "../../../broker/store/open.ts";
import type { StoreCase, StoreWorld } from "./store_world.ts";

/** What is settled after it was written: the table `settle_lines`. */
export const settlingCases: readonly StoreCase[] = [
  {
    claim: "what one turn can settle is settled when the change is answered, and leaves no line",
    async run(world) {
      const { agent, stack } = await world.linked();
      const object = await world.submit(stack);

      assert.equal((await world.poll(agent))[0]?.object?.id, object.id);
      assert.equal(await world.store.settling.settleNext(), false);
    },
  },
  {
    claim: "a stack of many agents is settled so many at a time, by the id; each is shown what is settled with it",
    async run(world) {
      const { store, agents, stack } = await crowd(world, 5);
      const [old, left] = [await submit(store, world, stack), countLeft(store)];
      await drain(store);

      const object = await submit(store, world, stack);
      const shown: number[] = [];
      do {
        shown.push(await countOf(agents, async ({ id }) => await objectOf(store, id) === object.id));
        const stale = await countOf(agents, async ({ id }) => await objectOf(store, id) === old.id);
        assert.equal(stale + (shown.at(-1) ?? 0), agents.length);
      } while (await store.settling.settleNext());

      assert.deepEqual(shown, [0, 2, 4, 5]);
      assert.equal(left.count, 1);
      assert.equal((await world.delivery({ agent: first(agents), stack }))?.desiredAt.getTime(), time(object));
    },
  },
  {
    claim: "each replica goes on where another stopped, and what was overtaken before it began is skipped",
    async run(world) {
      const { store, agents, stack } = await crowd(world, 5);
      const other = openStore(world.database, { agentsAtOnce: 2 });
      await submit(store, world, stack);
      await drain(store);
      const revisions = () => Promise.all(agents.map(async ({ id }) => (await store.snapshots.version(id)).revision));
      const before = await revisions();

      for (let count = 0; count < 3; count += 1) await submit(store, world, stack);
      const newest = await submit(store, world, stack);
      await store.settling.settleNext();
      await drain(other);

      assert.deepEqual((await revisions()).map((revision, index) => revision - (before[index] ?? 0)), Array(5).fill(1));
      assert.equal(await countOf(agents, async ({ id }) => await objectOf(store, id) === newest.id), 5);
    },
  },
  {
    claim: "what is submitted while a stack is being settled reaches those that were settled before",
    async run(world) {
      const { store, agents, stack } = await crowd(world, 5);
      await submit(store, world, stack);
      await drain(store);
      await submit(store, world, stack);
      await store.settling.settleNext();

      const newest = await submit(store, world, stack);
      await drain(store);

      assert.equal(await countOf(agents, async ({ id }) => await objectOf(store, id) === newest.id), 5);
    },
  },
  {
    claim: "a delivery settled onto the object that its agent has already applied is applied at once",
    async run(world) {
      const { store, agents, stack } = await crowd(world, 3);
      const [agent] = [first(agents)];
      await submit(store, world, stack);
      await drain(store);

      const object = await submit(store, world, stack);
      await store.deliveries.report({ agentId: agent.id, stackId: stack.id, objectId: object.id, state: "applied" });
      await drain(store);

      const delivery = await world.delivery({ agent, stack });
      assert.deepEqual([delivery?.state, delivery?.desiredObjectId], ["applied", object.id]);
      assert.ok(delivery?.appliedAt);
    },
  },
  {
    claim: "an end of many associations is shown when it is settled: what is reported meanwhile finds its delivery",
    async run(world) {
      const { store, agents, stack } = await crowd(world, 3);
      await submit(store, world, stack);
      await drain(store);
      for (const { id } of agents) await store.snapshots.read(id, { isOwn: true });

      await store.stackTags.removeLabel(stack.id, stack.name);
      const still = await countOf(agents, async ({ id }) => await objectOf(store, id) !== undefined);
      await drain(store);

      assert.equal(still, 3);
      assert.equal(await countOf(agents, async ({ id }) => await objectOf(store, id) === undefined), 3);
      for (const agent of agents) assert.equal(await world.state({ agent, stack }), "terminating");
    },
  },
  {
    claim: "an object that a broker of 0.10.0 took, and did not settle, is found by the sweep",
    async run(world) {
      const { agent, stack } = await world.linked();
      await world.database.sql`
        insert into deployment_objects (stack_id, yaml_content, yaml_checksum)
        values (${stack.id}, 'apiVersion: v1', ${world.hash()})`;
      assert.equal(await world.state({ agent, stack }), undefined);

      const found = [await world.store.settling.sweep(), await world.store.settling.sweep()];
      await drain(world.store);

      assert.deepEqual([...found, await world.store.settling.sweep()], [1, 0, 0]);
      assert.equal(await world.state({ agent, stack }), "pending");
    },
  },
  {
    claim: "tags and targets go with the stack or the agent that had them",
    async run(world) {
      const { agent, stack, generator } = await world.linked();
      const other = await world.agent(generator);
      await world.store.targets.add(other.id, stack.id);
      await world.store.agentTags.addLabel(agent.id, "a");
      await world.store.agentTags.addAnnotation(agent.id, { key: "a", value: "b" });
      await world.store.stackTags.addLabel(stack.id, "a");
      await world.store.stackTags.addAnnotation(stack.id, { key: "a", value: "b" });

      await world.store.agents.remove(agent.id);
      await world.store.stacks.remove(stack.id);

      const left = await world.database.sql<{ count: number }>`
        select count(*) as count from agent_labels where agent_id = ${agent.id}
        union all select count(*) from agent_annotations where agent_id = ${agent.id}
        union all select count(*) from stack_labels where stack_id = ${stack.id}
        union all select count(*) from stack_annotations where stack_id = ${stack.id}
        union all select count(*) from agent_targets where stack_id = ${stack.id}`;
      assert.deepEqual(left.map(({ count }) => count), [0, 0, 0, 0, 0]);
    },
  },
];

/** Agents, more than one turn settles, that share a label with a stack. */
export interface Crowd {
  /** Settles two agents in a transaction. */
  readonly store: Store;
  readonly agents: readonly Agent[];
  readonly stack: Stack;
}

/** Makes a crowd. */
export async function crowd(world: StoreWorld, size: number, options: StoreOptions = {}): Promise<Crowd> {
  const store = openStore(world.database, { agentsAtOnce: 2, ...options });
  const generator = await world.generator();
  const stack = await world.stack(generator);
  const agents: Agent[] = [];
  for (let count = 0; count < size; count += 1) agents.push(await world.agent(generator));
  for (const { id } of agents) await store.agentTags.addLabel(id, stack.name);
  await store.stackTags.addLabel(stack.id, stack.name);
  await drain(store);
  return { store, agents, stack };
}

async function submit(store: Store, world: StoreWorld, { id: stackId }: Stack) {
  const submission = { stackId, yamlContent: "apiVersion: v1", yamlChecksum: world.hash(), isDeletionMarker: false };
  return (await store.objects.submit(submission)).object;
}

/** Settles whatever is left. */
export async function drain({ settling }: Store): Promise<void> {
  while (await settling.settleNext());
}

async function objectOf({ snapshots }: Store, agentId: string): Promise<string | undefined> {
  const { stacks } = await snapshots.read(agentId, { isOwn: false });
  const [object] = await snapshots.targetState(agentId, { mode: "full", isOwn: false });
  assert.equal(object?.id, stacks[0]?.object?.id);
  return stacks[0]?.object?.id;
}

/** How often the store said since that there is work left. */
function countLeft({ settling }: Store): { count: number } {
  const left = { count: 0 };
  settling.onLeft(() => left.count += 1);
  return left;
}

async function countOf<T>(items: readonly T[], is: (item: T) => Promise<boolean>): Promise<number> {
  return (await Promise.all(items.map(is))).filter((each) => each).length;
}

function time({ submittedAt }: { readonly submittedAt: Date }): number {
  return submittedAt.getTime();
}

function first<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined) throw new Error("an empty list");
  return item;
}
