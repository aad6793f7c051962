import assert from "node:assert/strict";
import type { Database } from "$lib/database.ts";
import { migrate } from "../../../broker/store/migrate.ts";
import { MIGRATIONS } from "../../../broker/store/migrations/mod.ts";
import type { Store } from "../../../broker/store/mod.ts";
import { openStore } from "../../../broker/store/open.ts";
import { open, postgresDatabase } from "../../fakes/databases.ts";
import { recordedStatements } from "../../fakes/recorded_statements.ts";
import { testWith } from "../../run/parts.ts";
import { waitFor } from "../../run/wait.ts";
import { LIMITS, StoreWorld } from "./store_world.ts";

const ROUNDS = 20;

testWith(
  "postgres",
  "two brokers that migrate at once share the steps, and both find the database current",
  async () => {
    await using postgres = await postgresDatabase({ isMigrated: false });
    const other = await open(postgres.address);

    const steps = await Promise.all([postgres.database, other].map((each) => migrate(each, { schema: "public" })));

    assert.equal(steps.reduce((sum, count) => sum + count), MIGRATIONS.length);
    assert.equal((await openStore(other).generators.list()).items.length, 2);
    await other.close();
  },
);

testWith(
  "postgres",
  "submissions at once to stacks that share agents all arrive; one that is overtaken raises no revision of its own",
  async () => {
    await using postgres = await postgresDatabase({ poolSize: 3 * 8 + 1 });
    const world = new StoreWorld(postgres.database);
    const generator = await world.generator();
    const agents = await made(8, () => world.agent(generator));
    const stacks = await made(4, () => world.stack(generator));
    for (const agent of agents) await world.store.agentTags.addLabel(agent.id, "all");
    for (const stack of stacks) await world.store.stackTags.addLabel(stack.id, "all");
    const before = await world.revision(first(agents));

    await Promise.all(Array.from({ length: 40 }, (_, index) => world.submit(first(stacks.slice(index % 4)))));

    for (const agent of agents) {
      const raised = await world.revision(agent) - before;
      assert.ok(raised >= stacks.length && raised <= 40, `the revision was raised ${raised} times`);
    }
    assert.equal((await postgres.database.sql`select id from settle_lines`).length, 0);
    const shown = await world.poll(first(agents));
    for (const stack of stacks) {
      const [newest] = (await world.store.objects.list(stack.id, { limit: 1 })).items;
      assert.equal(shown.find(({ stackId }) => stackId === stack.id)?.object?.id, newest?.id);
    }
  },
);

testWith("postgres", "a submission takes its agents in the order of their ids, before it looks at them", async () => {
  await using postgres = await postgresDatabase();
  const world = new StoreWorld(postgres.database);
  const generator = await world.generator();
  const agents = await made(3, () => world.agent(generator));
  const stack = await world.stack(generator);
  for (const agent of agents) await world.store.targets.add(agent.id, stack.id);
  const [low = "", middle = "", high = ""] = agents.map(({ id }) => id).sort();
  const letGo = await holdAgent(postgres.database, middle);

  const submitting = world.submit(stack);

  const untouched = () =>
    postgres.database.sql<{ id: string }>`select id from agents where id = any(${[low, high]}) for update skip locked`;
  await waitFor(async () => (await untouched()).length < 2 ? true : undefined, { what: "see the first agent taken" });
  assert.deepEqual((await untouched()).map(({ id }) => id), [high]);
  await Promise.all([letGo(), submitting]);
});

testWith("postgres", "agents and gauges have connections, however many are taken by everything else", async () => {
  await using postgres = await postgresDatabase();
  const world = new StoreWorld(postgres.database);
  const { store } = world;
  const { agent, stack } = await world.linked();
  await world.submit(stack);
  const end = Promise.withResolvers<void>();
  const others = Array.from({ length: 20 }, () => store.transaction(() => end.promise).catch(() => "refused in 5 s"));

  await store.agents.heartbeat(agent.id, {});
  await world.poll(agent);
  await world.report({ agent, stack }, { state: "applied" });
  const { deliveries } = await store.gauges.read(LIMITS);
  end.resolve();
  await Promise.all(others);

  assert.equal(deliveries.applied, 1);
});

testWith("postgres", "the same submission many times at once, with a key or without, is one object", async () => {
  await using postgres = await postgresDatabase({ poolSize: 3 * 8 + 1 });
  const world = new StoreWorld(postgres.database);
  for (const idempotency of [undefined, { caller: "admin", key: "run-1" }]) {
    const stack = await world.stack();
    const submission = { stackId: stack.id, yamlContent: "apiVersion: v1", yamlChecksum: world.hash(), idempotency };

    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => world.store.objects.submit({ ...submission, isDeletionMarker: false })),
    );

    assert.equal(new Set(outcomes.map(({ object }) => object.id)).size, 1);
    assert.equal(outcomes.filter(({ isUnchanged }) => !isUnchanged).length, 1);
    assert.equal((await world.store.objects.list(stack.id)).items.length, 1);
  }
});

testWith(
  "postgres",
  "a stack that is made while its generator is deleted is deleted with it, or not made",
  async () => {
    await using postgres = await postgresDatabase({ poolSize: 3 * 4 + 1 });
    const world = new StoreWorld(postgres.database);
    const { generators, stacks } = world.store;
    const waiting = () =>
      postgres.database
        .sql`select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
    const isWaiting = async () => (await waiting()).length > 0 ? true : undefined;
    const [before, after] = [await world.generator(), await world.generator()];

    const made = await holding(world.store, {
      first: (store) => store.stacks.add({ name: world.name("s"), generatorId: before.id }),
      second: () => generators.remove(before.id),
      meanwhile: () => waitFor(isWaiting, { what: "see the deletion wait" }),
    });
    const refused = holding(world.store, {
      first: (store) => store.generators.remove(after.id),
      second: () => stacks.add({ name: world.name("s"), generatorId: after.id }),
      meanwhile: () => waitFor(isWaiting, { what: "see the new stack wait" }),
    });

    await assert.rejects(refused, { code: "invalid_generator_id" });
    await assert.rejects(stacks.get(made.id), { code: "stack_not_found" });
    assert.deepEqual((await stacks.list({ generatorId: after.id })).items, []);
  },
);

interface Meeting<T> {
  first(store: Store): Promise<T>;
  second(): Promise<unknown>;
  meanwhile(): Promise<unknown>;
}

/** What `first` gave, whose transaction stays open until `meanwhile` has seen `second` come. */
async function holding<T>(store: Store, { first, second, meanwhile }: Meeting<T>): Promise<T> {
  let other: Promise<unknown> = Promise.resolve();
  const result = await store.transaction(async (inside) => {
    const result = await first(inside);
    other = second();
    other.catch(() => {}); // looked at below
    await meanwhile();
    return result;
  });
  await other;
  return result;
}

testWith(
  "postgres",
  "a poll that is to count as delivered waits for the change in progress, and tells of it",
  async () => {
    await using postgres = await postgresDatabase();
    const world = new StoreWorld(postgres.database);
    const { agent, stack } = await world.linked();
    await world.submit(stack);
    const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
    const { promise: submitted, resolve: isSubmitted } = Promise.withResolvers<void>();
    const submitting = world.store.transaction(async ({ objects }) => {
      const yamlChecksum = world.hash();
      await objects.submit({ stackId: stack.id, yamlContent: "newest", yamlChecksum, isDeletionMarker: false });
      isSubmitted();
      await mayEnd;
      return yamlChecksum;
    });
    await submitted;

    const polling = world.poll(agent);

    const waiting = () =>
      postgres.database
        .sql`select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
    await waitFor(async () => (await waiting()).length > 0 ? true : undefined, { what: "see the poll wait" });
    end();
    const [checksum, [shown]] = await Promise.all([submitting, polling]);
    assert.equal(shown?.object?.checksum, checksum);
  },
);

testWith("postgres", "a heartbeat waits for nobody who holds its agent's row", async () => {
  await using postgres = await postgresDatabase();
  const world = new StoreWorld(postgres.database);
  const [silent, known] = [await world.agent(), await world.agent()];
  await world.store.agents.heartbeat(known.id, {});

  const during = await postgres.database.transaction(async (tx) => {
    await tx`select id from agents where id = any(${[silent.id, known.id]}) for no key update`;
    return await Promise.all([silent, known].map(async ({ id }) => {
      await world.store.agents.heartbeat(id, { k8sReachable: true });
      return (await world.store.agents.get(id)).k8sReachable;
    }));
  });

  assert.deepEqual(during, [true, true]);
});

testWith("postgres", "a hundred heartbeats at once are one statement", async () => {
  const statements = recordedStatements();
  await using postgres = await postgresDatabase({ metrics: statements.metrics });
  const world = new StoreWorld(postgres.database);
  const agents = await made(100, () => world.agent());
  statements.forget();

  await Promise.all(agents.map(({ id }) => world.store.agents.heartbeat(id, { k8sReachable: true })));

  assert.equal(statements.counts().insert, 1);
  assert.equal((await world.store.gauges.read(LIMITS)).activeAgents, 100);
});

testWith("postgres", "a hundred polls for another revision at once are one statement", async () => {
  const statements = recordedStatements();
  await using postgres = await postgresDatabase({ metrics: statements.metrics });
  const world = new StoreWorld(postgres.database);
  const agents = await made(100, () => world.agent());
  const removed = await world.agent();
  await world.store.agents.change(first(agents).id, { status: "ACTIVE" });
  await world.store.agents.remove(removed.id);
  statements.forget();

  const asked = [...agents, first(agents), removed].map(({ id }) => world.store.snapshots.version(id));
  const versions = await Promise.allSettled(asked);

  assert.equal(statements.counts().select, 1);
  const revisions = versions.map((each) => each.status === "fulfilled" ? each.value.revision : each.reason.code);
  assert.deepEqual(revisions, [2, ...Array(99).fill(1), 2, "agent_not_found"]);
});

testWith("postgres", "labels put on both sides at once, with a submission, always end in a delivery", async () => {
  await using postgres = await postgresDatabase({ poolSize: 3 * 8 + 1 });
  const world = new StoreWorld(postgres.database);
  const generator = await world.generator();

  for (let round = 0; round < ROUNDS; round += 1) {
    const [agent, stack] = [await world.agent(generator), await world.stack(generator)];
    await Promise.all([
      world.store.agentTags.addLabel(agent.id, `r${round}`),
      world.store.stackTags.addLabel(stack.id, `r${round}`),
      world.submit(stack),
    ]);

    assert.equal(await world.state({ agent, stack }), "pending");
    assert.ok((await world.poll(agent))[0]?.object);
  }
});

testWith(
  "postgres",
  "a line whose agent somebody holds keeps no other waiting, and is settled when it can be",
  async () => {
    await using postgres = await postgresDatabase();
    const world = new StoreWorld(postgres.database);
    const [stuck, other] = [await world.linked(), await world.linked()];
    const letGo = await holdAgent(postgres.database, stuck.agent.id);
    for (const { stack } of [stuck, other]) {
      await postgres.database.sql`
      insert into deployment_objects (stack_id, yaml_content, yaml_checksum, submitted_at)
      values (${stack.id}, 'apiVersion: v1', ${world.hash()}, ${new Date(stack === stuck.stack ? 0 : 1)})`;
      await world.store.settling.sweep();
    }
    const round = async () => {
      while (await world.store.settling.settleNext());
    };

    await assert.rejects(round, { code: "unavailable" });
    assert.deepEqual([await world.state(stuck), await world.state(other)], [undefined, "pending"]);
    await letGo();
    await round();

    assert.equal(await world.state(stuck), "pending");
  },
);

testWith("postgres", "one revision never means two sets of objects, whatever happens at once", async () => {
  await using postgres = await postgresDatabase({ poolSize: 3 * 8 + 1 });
  const world = new StoreWorld(postgres.database);
  const { agent, stack, generator } = await world.linked();
  const [labelled, marked] = [await world.stack(generator), await world.stack(generator)];
  await world.store.targets.add(agent.id, marked.id);
  await world.store.agentTags.addLabel(agent.id, "on");
  for (const each of [stack, labelled, marked]) await world.submit(each);
  const seen = new Map<number, string>();
  const poll = async () => {
    const { revision, isPaused, stacks } = await world.store.snapshots.read(agent.id, { isOwn: true });
    const visible = stacks.filter(({ state, object }) => state === "terminating" || object !== undefined);
    const text = JSON.stringify([isPaused, visible.map(({ stackId, state, object }) => [stackId, state, object?.id])]);
    assert.equal(seen.get(revision) ?? text, text, `revision ${revision}`);
    seen.set(revision, text);
  };

  let isOver = false;
  const polling = made(2, async () => {
    while (!isOver) await poll();
  });

  await Promise.all([
    times(ROUNDS, () => world.submit(stack)),
    times(ROUNDS, (round) => world.submit(marked, { isDeletionMarker: round % 2 === 1 })),
    times(ROUNDS, () => world.report({ agent, stack: marked }, { state: "removed" }).catch(notYet)),
    times(ROUNDS, () => world.report({ agent, stack }, { state: "applied" }).catch(notYet)),
    times(
      ROUNDS,
      (round) =>
        round % 2 === 0
          ? world.store.stackTags.addLabel(labelled.id, "on")
          : world.store.stackTags.removeLabel(labelled.id, "on"),
    ),
    times(ROUNDS, (round) => world.store.stacks.change(stack.id, { name: world.name(`renamed-${round}`) })),
    times(ROUNDS, (round) => world.store.agents.change(agent.id, { status: round % 2 === 0 ? "ACTIVE" : "INACTIVE" })),
  ]).finally(() => isOver = true);
  await polling;

  await poll();
  assert.ok(seen.size > ROUNDS);
});

testWith("postgres", "one replica at a time looks for what a broker of 0.10.0 took: each is counted once", async () => {
  await using postgres = await postgresDatabase();
  const world = new StoreWorld(postgres.database);
  const generator = await world.generator();
  await made(ROUNDS, () => world.stack(generator));
  await postgres.database.sql`
    insert into deployment_objects (stack_id, yaml_content, yaml_checksum)
    select id, 'apiVersion: v1', encode(sha256(name::bytea), 'hex') from stacks`;
  let settled = 0;
  const store = openStore(postgres.database, { onSettled: () => settled += 1 });

  const found: number[] = [];
  await store.exclusively("sweep", async () => found.push(await store.settling.sweep()));
  found.push(await store.settling.sweep());
  while (await store.settling.settleNext());

  assert.deepEqual([found, settled], [[0, ROUNDS], ROUNDS]);
});

testWith("postgres", "a job runs once when two replicas start it at once", async () => {
  await using postgres = await postgresDatabase();
  const store = openStore(postgres.database);
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
  const { promise: started, resolve: isStarted } = Promise.withResolvers<void>();

  const one = store.exclusively("purge", async () => {
    isStarted();
    await mayEnd;
  });
  await started;

  assert.equal(await store.exclusively("purge", () => Promise.resolve()), false);
  assert.equal(await store.exclusively("another", () => Promise.resolve()), true);
  end();
  assert.equal(await one, true);
});

/** Holds the row of an agent until what it returns is called; resolves when it is held. */
async function holdAgent(database: Database, agentId: string): Promise<() => Promise<void>> {
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
  const { promise: held, resolve: isHeld } = Promise.withResolvers<void>();
  const holding = database.transaction(async (tx) => {
    await tx`select id from agents where id = ${agentId} for update`;
    isHeld();
    await mayEnd;
  });
  await held;
  return () => {
    end();
    return holding;
  };
}

async function made<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  return await Promise.all(Array.from({ length: count }, make));
}

async function times(count: number, work: (round: number) => Promise<unknown>): Promise<void> {
  for (let round = 0; round < count; round += 1) await work(round);
}

function first<T>(items: readonly T[]): T {
  const [item] = items;
  if (item === undefined) throw new Error("an empty list");
  return item;
}

/** A report may come before there is anything to report on. */
function notYet(error: unknown): void {
  assert.equal((error as { code?: string }).code, "deployment_object_not_found");
}
