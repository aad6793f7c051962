import assert from "node:assert/strict";
import { z } from "zod";
import { sha256Hex } from "$lib/ids.ts";
import { Stack } from "$lib/wire/stack.ts";
import { assertCounted } from "../cases/store/delivery_counts.ts";
import { CHANGED, modeOfChanged, PLAIN, versionsOfPlain } from "../upgrade/old_deliveries.ts";
import { unpackOldPrograms } from "../upgrade/old_programs.ts";
import { apiClient } from "./api.ts";
import { configMap } from "./bundles.ts";
import type { Program } from "./programs.ts";
import { story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";
import { Writer } from "./writer.ts";

const WRITES = 20;
/** What an agent keeps for itself, such as a bundle until another one takes its place. */
const OWN_RECORD = /\/brokkr-[^/]+$/;
/** An agent of 0.10.0 says so of a bundle that it asked for when its only broker was being replaced, and asks again. */
const OF_OLD_AGENT = /^Cannot GET deployment-objects\/[0-9a-f-]{36}: no answer came$/;
const BUSY = "/api/v1/namespaces/default/configmaps/busy";

story(
  "28: 0.10.0 is upgraded in place under load, brokers first, then agents: nothing is lost or rewritten without a reason",
  [["postgres"]],
  async (parts) => {
    await using old = await unpackOldPrograms();
    const entries = { brokerEntry: old.entry("broker"), agentEntry: old.entry("agent") };
    await using world = await openWorld({ parts, ...entries });
    const busy = await deliverWithOld(world);
    const before = await versionsOfPlain(world);
    const uid = (await world.cluster.get(BUSY))?.metadata.uid;

    await using load = new Load(world, busy);
    load.add(world.broker);
    await load.goesOn();
    load.add(await world.startReplica());
    load.watchCounts();
    await load.goesOn();
    assert.equal(await world.broker.stop(), 0);
    await world.startBroker({ entry: undefined });
    await load.goesOn();
    const [newest] = await world.events();
    await eventually("the old agent delivers for the new broker", async () => {
      return (await world.events())[0]?.id !== newest?.id;
    });
    assert.equal(await world.agent.stop(), 0);
    await world.startAgent({}, { entry: undefined });
    await eventually("the mode is what it means", async () => await modeOfChanged(world) === 0o400);
    await load.goesOn();
    await load.stop();
    await world.untilApplied(await world.submit(busy, configMap("busy", { value: "last" })));

    assert.deepEqual(await versionsOfPlain(world), before);
    const found = await world.cluster.get(BUSY);
    assert.deepEqual([found?.metadata.uid, found?.data], [uid, { value: "last" }]);
    assert.deepEqual(await load.lost(), []);
    assert.deepEqual(load.miscounted, []);
    const failures = (await world.events()).filter(({ status }) => status === "FAILURE");
    assert.deepEqual(failures.filter(({ message }) => !OF_OLD_AGENT.test(message ?? "")), []);
    const { requests = [] } = world.servers.simulated ?? {};
    const deleted = requests.filter(({ method }) => method === "DELETE").map(({ path }) => path);
    assert.deepEqual(deleted.filter((path) => !OWN_RECORD.test(path)), []);
  },
);

/** The stack that is submitted to all the time, and others that are not; all of them applied. */
async function deliverWithOld(world: World): Promise<string> {
  for (const [name, bundle] of [["plain", PLAIN], ["changed", CHANGED]] as const) {
    await world.untilApplied(await world.submit(await world.addStack(name), bundle));
  }
  const busy = await world.addStack("busy");
  await world.untilApplied(await world.submit(busy, configMap("busy")));
  return busy;
}

/** Clients that make stacks and submit, at each broker that there is. */
class Load implements AsyncDisposable {
  readonly #world: World;
  readonly #stackId: string;
  readonly #writers: Writer[] = [];
  readonly #writing: Promise<void>[] = [];
  /** What was wrong with the counts of deliveries whenever they were looked at. */
  readonly miscounted: unknown[] = [];
  #isOver = false;

  constructor(world: World, stackId: string) {
    this.#world = world;
    this.#stackId = stackId;
  }

  add({ url }: Program): void {
    const { generatorId, generatorPak } = this.#world;
    const api = apiClient(url, generatorPak);
    const objects = `/stacks/${this.#stackId}/deployment-objects`;
    for (
      const write of [
        (name: string) => api.call("POST", "/stacks", { name, generator_id: generatorId }),
        (value: string) => api.call("POST", objects, configMap("busy", { value })),
      ]
    ) {
      const writer = new Writer(async (key) => (await write(key)).status);
      this.#writers.push(writer);
      this.#writing.push(writer.writesOn());
    }
  }

  /** Looks at the counts of deliveries all the time: they are right at every moment, or in no way. */
  watchCounts(): void {
    const { servers: { postgres = assert.fail("no PostgreSQL") } } = this.#world;
    this.#writing.push(postgres.asSuperuser(async (sql) => {
      while (!this.#isOver) await assertCounted(sql, "under load").catch((error) => this.miscounted.push(error));
    }, postgres.database));
  }

  /** Waits until each of them was told of many more that they are written. */
  async goesOn(): Promise<void> {
    const before = this.#writers.map(({ acknowledged }) => acknowledged.length);
    await eventually(
      "everybody has written",
      () => this.#writers.every(({ acknowledged }, at) => acknowledged.length >= (before[at] ?? 0) + WRITES),
    );
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    for (const writer of this.#writers) writer.stop();
    await Promise.all(this.#writing);
  }

  /** What was acknowledged and is not there: stacks by name, objects by checksum. */
  async lost(): Promise<readonly string[]> {
    const { admin, servers: { postgres = assert.fail("no PostgreSQL") } } = this.#world;
    const stacks = await admin.send(z.array(Stack), "GET", "/stacks");
    const rows = await postgres.asSuperuser(
      (sql) => sql<{ yaml_checksum: string }[]>`select yaml_checksum from deployment_objects`,
      postgres.database,
    );
    const there = new Set([...stacks.map(({ name }) => name), ...rows.map(({ yaml_checksum }) => yaml_checksum)]);
    const lost: string[] = [];
    for (const key of this.#writers.flatMap(({ acknowledged }) => acknowledged)) {
      if (!there.has(key) && !there.has(await sha256Hex(configMap("busy", { value: key })))) lost.push(key);
    }
    return lost;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
