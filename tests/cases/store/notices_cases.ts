import assert from "node:assert/strict";
import { type ChangeNotice, CHANGES, readNotice } from "../../../broker/domain/notice.ts";
import type { Store } from "../../../broker/store/mod.ts";
import { openStore } from "../../../broker/store/open.ts";
import type { Linked, StoreCase, StoreWorld } from "./store_world.ts";

/** What every replica is told of changes. */
export const noticesCases: readonly StoreCase[] = [
  {
    claim: "what nobody listens for sends no notice: what agents say and are told, and whom a stack concerns",
    async run(world) {
      const linked = await world.applied();
      const { agent, stack } = linked;

      const heard = await noticed(world, [
        () => world.poll(agent),
        () => world.report(linked, { state: "failed" }),
        () => world.store.agents.heartbeat(agent.id, {}),
        () => world.store.stackTags.addLabel(stack.id, "quiet"),
      ]);

      assert.deepEqual(heard, []);
    },
  },
  {
    claim: "whoever refreshes gauges hears of a new, changed and deleted agent and stack, and of a new object",
    async run(world) {
      const { agents, stacks } = world.store;
      const [agent, generator] = [await world.agent(), await world.generator()];
      const stack = await world.stack(generator);
      const heard = await noticed(world, [
        () => agents.change(agent.id, { name: world.name("renamed") }),
        () => agents.remove(agent.id),
        () => world.agent(),
        () => world.stack(generator),
        () => stacks.change(stack.id, { name: world.name("renamed") }),
        () => world.submit(stack),
        () => stacks.remove(stack.id),
      ]);

      assert.deepEqual(heard.map(({ changed }) => changed.filter((one) => one !== "keys")).filter(hasAny), [
        ["agents"],
        ["agents"],
        ["agents"],
        ["stacks"],
        ["stacks"],
        ["deployment_objects"],
        ["stacks", "deployment_objects"],
      ]);
    },
  },
  {
    claim: "whoever waits for an agent's snapshot hears of it once that is settled, by name, and of no other agent",
    async run(world) {
      const linked = await world.applied();
      const { agent, stack } = linked;
      const names = async (work: () => Promise<unknown>) =>
        (await noticed(world, [work])).flatMap(({ agentIds }) => agentIds);
      await world.applied();

      assert.deepEqual(await names(() => world.submit(stack)), [agent.id]);
      assert.deepEqual(await names(() => world.store.agents.change(agent.id, { status: "ACTIVE" })), [agent.id]);
      assert.deepEqual(await names(() => world.store.targets.remove(agent.id, stack.id)), [agent.id]);
      assert.deepEqual(await names(() => undone(world, linked)), []);
    },
  },
  {
    claim: "a notice that could not be sent goes with the next one, or when it is asked for",
    async run(world) {
      const { agent, stack } = await world.linked();
      const { store, relent } = refusing(world);

      await store.objects.submit({
        ...{ stackId: stack.id, yamlContent: "", yamlChecksum: world.hash(), isDeletionMarker: false },
      });
      await assert.rejects(store.notices.flush(), { message: "refused" });
      relent();
      const heard = await noticed(world, [() => store.notices.flush()]);

      assert.deepEqual(heard, [{ changed: ["deployment_objects"], agentIds: [agent.id] }]);
    },
  },
];

function hasAny(changed: readonly string[]): boolean {
  return changed.length > 0;
}

async function undone(world: StoreWorld, { agent, stack }: Linked): Promise<void> {
  const work = world.store.transaction(async ({ targets }) => {
    await targets.add(agent.id, stack.id);
    throw new Error("undone");
  });
  await assert.rejects(work, { message: "undone" });
}

/** What was told of each piece of work, in order; pieces of which nothing was told are left out. */
async function noticed(
  { database, store }: StoreWorld,
  works: readonly (() => Promise<unknown>)[],
): Promise<readonly ChangeNotice[]> {
  const heard: ChangeNotice[] = [];
  await store.notices.flush();
  const [stop, up, end] = [new AbortController(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const listening = database.listen(CHANGES, {
    onNotice: (payload) => payload === LAST ? end.resolve() : heard.push(readNotice(payload)),
    onState: (isUp) => isUp && up.resolve(),
  }, stop.signal);
  await up.promise;
  for (const work of works) {
    await work();
    await store.notices.flush();
  }
  await database.notify(CHANGES, [LAST]);
  await end.promise;
  stop.abort();
  await listening;
  return heard;
}

const LAST = '{"changed":[]}';

/** A store whose notices its database does not take until it is told to. */
function refusing({ database }: StoreWorld): { readonly store: Store; relent(): void } {
  let isRefusing = true;
  const store = openStore({
    sql: database.sql,
    transaction: (work) => database.transaction(work),
    share: (share) => database.share(share),
    longTransaction: (work) => database.longTransaction(work),
    notify: (channel, payloads) =>
      isRefusing ? Promise.reject(new Error("refused")) : database.notify(channel, payloads),
    listen: (channel, listener, signal) => database.listen(channel, listener, signal),
    close: () => database.close(),
  });
  return { store, relent: () => isRefusing = false };
}
