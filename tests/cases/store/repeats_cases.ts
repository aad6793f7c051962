import assert from "node:assert/strict";
import type { Delivery, Report } from "../../../broker/domain/delivery.ts";
import type { ObjectResult } from "$lib/wire/event.ts";
import { openStore } from "../../../broker/store/open.ts";
import type { Linked, StoreCase, StoreWorld } from "./store_world.ts";

/** What reports of health do that say what was said before, as they come each minute. */
export const repeatsCases: readonly StoreCase[] = [
  {
    claim: "health said again and again comes to what it comes to at a broker that remembers nothing",
    async run(world) {
      const [here, forgetful] = [await world.applied(), await world.applied()];
      const words: readonly Said[] = [
        { health: "progressing" },
        { health: "progressing" },
        { health: "progressing" },
        { health: "progressing", reason: 'Deployment "web": 1 of 2' },
        { health: "progressing", reason: 'Deployment "web": 1 of 2' },
        { health: "healthy" },
        { health: "healthy" },
        { health: "degraded", error: "refused" },
        { health: "degraded", error: "refused" },
        { health: "degraded", error: "refused" },
        { health: "healthy" },
        { health: "healthy" },
      ];

      for (const [at, said] of words.entries()) {
        await world.report(here, reportOf(said, at));
        await reportFresh(world, forgetful, reportOf(said, at));
        assert.deepEqual(await seen(world, here), await seen(world, forgetful), `at ${at}`);
      }

      assert.equal((await world.delivery(here))?.health?.at.toISOString(), timeOf(words.length - 1));
      assert.equal((await eventsOf(world, here)).length, (await eventsOf(world, forgetful)).length);
    },
  },
  {
    claim: "what is said again after somebody else changed the delivery is said of what it is now",
    async run(world) {
      const linked = await world.applied();
      const { stack, agent, object } = linked;
      const said = { ...reportOf({ health: "healthy" }, 0), seq: undefined, bootId: undefined, objectId: object.id };
      const say = () => world.report(linked, said);
      for (let time = 0; time < 3; time += 1) await say();
      const { id } = await world.submit(stack);
      const before = await world.delivery(linked);

      await say();
      const after = await world.delivery(linked);
      await world.store.agents.remove(agent.id);

      assert.deepEqual([after?.desiredObjectId, after?.state, after?.health], [id, "pending", before?.health]);
      await assert.rejects(say(), { code: "agent_not_found" });
    },
  },
  {
    claim: "what is said again leaves behind what the agent said before it, and does not come after what it said later",
    async run(world) {
      const linked = await world.applied();
      const say = (health: Said["health"], seq: number) => world.report(linked, { ...reportOf({ health }, 0), seq });
      for (const seq of [1, 2, 3, 7]) await say("healthy", seq);

      await say("degraded", 6);
      const stays = (await world.delivery(linked))?.health?.status;
      await say("degraded", 9);
      await say("healthy", 8);

      assert.deepEqual([stays, (await world.delivery(linked))?.health?.status], ["healthy", "degraded"]);
    },
  },
  {
    claim: "a health that is not believed, for one was seen later, is not remembered as what is known",
    async run(world) {
      const linked = await world.applied();
      const say = (health: Said["health"], at: number, seq: number) =>
        world.report(linked, { ...reportOf({ health }, at), seq });
      await say("healthy", 5, 1);

      await say("degraded", 3, 2);
      await say("degraded", 3, 3);
      const stays = (await world.delivery(linked))?.health?.status;
      await say("degraded", 6, 4);

      assert.deepEqual([stays, (await world.delivery(linked))?.health?.status], ["healthy", "degraded"]);
    },
  },
];

interface Said {
  readonly health: NonNullable<Report["health"]>["status"];
  readonly reason?: string;
  readonly error?: string;
}

const BOOT = crypto.randomUUID();

function timeOf(at: number): string {
  return new Date(Date.UTC(2026, 0, 1, 0, 0, at)).toISOString();
}

/** What an agent says of a Deployment, at each time with another number. */
function reportOf({ health, reason, error }: Said, at: number): Pick<Report, "state"> & Partial<Report> {
  const seenAt = timeOf(at);
  const result: ObjectResult = {
    ...{ group: "apps", version: "v1", kind: "Deployment", namespace: "shop", name: "web" },
    ...{ action: error === undefined ? "unchanged" : "failed", health, health_at: seenAt },
    ...(error === undefined ? {} : { error }),
  };
  return {
    ...(error === undefined ? { state: "applied" } : { state: "failed", reason: "refused" }),
    ...{ bootId: BOOT, seq: at, attempts: 1, results: [result] },
    health: { status: health, at: new Date(seenAt), ...(reason === undefined ? {} : { reason }) },
  };
}

/** Reports to a replica that has just started. */
async function reportFresh(
  world: StoreWorld,
  { agent, stack }: Linked,
  report: Pick<Report, "state"> & Partial<Report>,
): Promise<void> {
  await openStore(world.database).deliveries.report({ agentId: agent.id, stackId: stack.id, ...report });
}

const TIMES = /^\d{4}-\d\d-\d\dT/;

/** A delivery without what tells it from another, and with whether each time is known instead of the time itself. */
async function seen(world: StoreWorld, linked: Linked): Promise<unknown> {
  const delivery: Delivery | undefined = await world.delivery(linked);
  const results = await world.store.deliveries.findResults(linked.agent.id, linked.stack.id);
  const shown = JSON.parse(JSON.stringify({ delivery, objects: results?.objects.map(withoutTime) }), (key, value) => {
    if (key.endsWith("Id")) return "an id";
    return typeof value === "string" && TIMES.test(value) && key !== "at" ? "a time" : value;
  });
  return shown;
}

function withoutTime({ health_at: _at, ...result }: ObjectResult): unknown {
  return result;
}

async function eventsOf(world: StoreWorld, { agent }: Linked): Promise<readonly unknown[]> {
  return (await world.store.events.list({ agentId: agent.id })).items;
}
