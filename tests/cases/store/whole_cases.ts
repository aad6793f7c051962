import assert from "node:assert/strict";
import { CHANGES, readNotice } from "../../../broker/domain/notice.ts";
import { LIMITS, type StoreCase } from "./store_world.ts";

/** Longer than any agent of another case has said nothing. */
const SILENT_SECONDS = 864_000;

/** What concerns the store as a whole: transactions, jobs, gauges, notices. */
export const wholeCases: readonly StoreCase[] = [
  {
    claim: "store.transaction() keeps all or nothing",
    async run(world) {
      const name = world.name("half");

      await assert.rejects(
        world.store.transaction(async (store) => {
          await store.generators.add({ name, pakHash: world.hash() });
          await store.stacks.add({ name, generatorId: "00000000-0000-4000-8000-000000000000" });
        }),
        { code: "invalid_generator_id" },
      );

      assert.equal((await world.store.generators.list()).items.some((each) => each.name === name), false);
    },
  },
  {
    claim: "store.exclusively() says that the job ran",
    async run({ store }) {
      let isRun = false;

      const isOurs = await store.exclusively("count", () => Promise.resolve(isRun = true));

      assert.deepEqual([isOurs, isRun], [true, true]);
    },
  },
  {
    claim: "gauges count what lives, and the age is that of the oldest heartbeat of an active agent",
    async run(world) {
      const { agents, gauges, stacks } = world.store;
      const read = () => gauges.read(LIMITS);
      const before = await read();
      const { agent, stack } = await world.applied();
      const silent = await world.agent();
      await agents.heartbeat(agent.id, {});

      const after = await read();

      assert.deepEqual(
        [after.activeAgents - before.activeAgents, after.stacks - before.stacks],
        [1, 1],
      );
      assert.equal(after.deploymentObjects - before.deploymentObjects, 1);
      await world.database.sql`
        update agents set created_at = now() - make_interval(secs => ${SILENT_SECONDS}) where id = ${silent.id}`;
      assert.ok((await read()).heartbeatAgeSeconds < SILENT_SECONDS);
      await agents.change(silent.id, { status: "ACTIVE" });
      assert.ok((await read()).heartbeatAgeSeconds >= SILENT_SECONDS);
      await agents.remove(silent.id);
      await stacks.remove(stack.id);
      const end = await read();
      assert.ok(end.heartbeatAgeSeconds < SILENT_SECONDS);
      assert.deepEqual([end.stacks, end.deploymentObjects], [before.stacks, before.deploymentObjects]);
    },
  },
  {
    claim: "whoever listens hears what a committed transaction changed, and nothing of one that failed",
    async run(world) {
      const heard: string[] = [];
      const stop = new AbortController();
      const { promise: up, resolve: isUp } = Promise.withResolvers<void>();
      const { promise: done, resolve: isDone } = Promise.withResolvers<void>();
      const listening = world.database.listen(CHANGES, {
        onNotice: (payload) => {
          heard.push(...readNotice(payload).changed);
          if (heard.includes("keys")) isDone();
        },
        onState: (up) => up && isUp(),
      }, stop.signal);
      await up;
      const generator = await world.generator();

      await assert.rejects(world.store.stacks.add({ name: "", generatorId: generator.id }));
      await world.stack(generator);
      await world.store.notices.flush();
      await world.store.generators.changePak(generator.id, { pakHash: world.hash(), keepsFormer: false });
      await done;
      stop.abort();
      await listening;

      assert.deepEqual(heard, ["stacks", "keys"]);
    },
  },
];
