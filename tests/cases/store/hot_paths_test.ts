import assert from "node:assert/strict";
import type { Database, Sql, SqlValue, Transaction } from "$lib/database.ts";
import type { Store } from "../../../broker/store/mod.ts";
import { openStore } from "../../../broker/store/open.ts";
import { postgresDatabase } from "../../fakes/databases.ts";
import { recordedStatements } from "../../fakes/recorded_statements.ts";
import { testWith } from "../../run/parts.ts";
import { eventually } from "../../system/wait.ts";
import { type Linked, StoreWorld } from "./store_world.ts";

const CHECKSUM = "0".repeat(64);
/** Tables of one row or few, whose one page is the quickest way to it: no index could be read in less. */
const ONE_ROW = new Set(["app", "admin_role", "settle_lines", "previous_keys", "idempotency_keys"]);

testWith("postgres", "no statement of a hot path reads a whole table of 10,000 agents or stacks", async () => {
  await using postgres = await postgresDatabase({ poolSize: 1 });
  const { database } = postgres;
  await fill(database);
  const [agent] = await database.sql<{ id: string; pak_hash: string }>`
    select id, pak_hash from agents where name = 'agent-7'`;
  const [stack] = await database.sql<{ id: string }>`select id from stacks where name = 'stack-7'`;
  assert.ok(agent && stack);
  const [few] = await database.sql<{ id: string }>`select id from stacks where name = 'stack-8'`;
  assert.ok(few);
  const [object] = await database.sql<{ id: string }>`select id from deployment_objects where stack_id = ${stack.id}`;
  const explained: Explained[] = [];
  const { store } = new StoreWorld(explaining(database, explained));
  await openStore(database).stacks.remove(stack.id);
  await drained(openStore(database));
  const report = { agentId: agent.id, stackId: stack.id, bootId: agent.id };

  await store.keys.find(agent.pak_hash);
  await store.snapshots.version(agent.id);
  const { stacks } = await store.snapshots.read(agent.id, { isOwn: true });
  await store.snapshots.targetState(agent.id, { mode: "full", isOwn: true });
  await store.objects.get(stacks.find(({ object }) => object)?.object?.id ?? "", agent.id);
  await store.agents.heartbeat(agent.id, { k8sReachable: true });
  await store.deliveries.report({ ...report, state: "failed", objectId: object?.id, seq: 1 });
  await store.deliveries.report({ ...report, state: "failed", objectId: object?.id, seq: 1 });
  await store.deliveries.report({ agentId: agent.id, state: "failed", objectId: object?.id });
  for (const seq of [2, 3, 4]) {
    await store.deliveries.report({ ...report, seq, health: { status: "degraded", at: new Date() } });
  }
  await store.deliveries.report({ ...report, state: "removed", seq: 5 });
  await store.objects.submit({ stackId: few.id, yamlContent: "", yamlChecksum: CHECKSUM, isDeletionMarker: false });
  await store.stackTags.addLabel(few.id, "nobodys");
  await store.settling.sweep();
  for (
    const filter of [{}, { state: "failed" }, { stackId: few.id }, {
      agentId: agent.id,
    }] as const
  ) {
    await store.deliveries.list(filter, { lateAfterSeconds: 60, lostAfterSeconds: 300 });
  }
  await store.deliveries.purge(1_000);
  await store.retention.purgeStacks(1_000);
  await store.retention.purgeAgents(1_000);

  assert.ok(stacks.length > 10 && explained.length > 15, `${stacks.length} stacks, ${explained.length} statements`);
  assert.deepEqual(explained.flatMap(({ statement, plan }) => scans(plan).map((table) => ({ table, statement }))), []);
});

testWith(
  "postgres",
  "gauges count objects by an index, no delivery one by one, and find the oldest that is pending",
  async () => {
    await using postgres = await postgresDatabase({ poolSize: 1 });
    const { database } = postgres;
    await fill(database);
    await database.sql`vacuum analyze`;
    const explained: Explained[] = [];
    const { store } = new StoreWorld(explaining(database, explained));

    await store.gauges.read({ lateAfterSeconds: 60, lostAfterSeconds: 300 });

    const read = explained.flatMap(({ plan }) => scans(plan));
    assert.deepEqual(read.filter((table) => ["deliveries", "deployment_objects", "stacks"].includes(table)), []);
    assert.deepEqual(explained.flatMap(({ plan }) => indexesRead(plan, "deliveries")), [
      "deliveries_unhealthy_since_idx",
      "deliveries_unhealthy_idx",
      "deliveries_pending_idx",
    ]);
  },
);

testWith(
  "postgres",
  "a poll that tells of something new is two statements, and no transaction of several",
  async () => {
    const statements = recordedStatements();
    await using postgres = await postgresDatabase({ metrics: statements.metrics });
    const world = new StoreWorld(postgres.database);
    const { agent, stack } = await world.linked();
    await world.submit(stack);
    statements.forget();

    await world.poll(agent);

    assert.deepEqual([statements.counts(), statements.transactions()], [
      { select: 1, insert: 0, update: 1, delete: 0 },
      [],
    ]);
  },
);

testWith("postgres", "a report that says the same of a delivery again touches no index of the table", async () => {
  await using postgres = await postgresDatabase();
  const changes = [
    "observed_at",
    "updated_at",
    "last_boot_id",
    "last_seq",
    "message",
    "attempts",
    "health_at",
    "results",
  ];

  const indexed = await postgres.database.sql<{ indexdef: string }>`
    select indexdef from pg_indexes where tablename = 'deliveries' and indexdef ~ ${changes.join("|")}`;

  assert.deepEqual(indexed.map(({ indexdef }) => indexdef), []);
});

/** Agents that have something to be told, and a store whose statements are counted from here on. */
async function untold(parts: AsyncDisposableStack, count: number) {
  const statements = recordedStatements();
  const { database } = parts.use(await postgresDatabase({ metrics: statements.metrics }));
  const world = new StoreWorld(database);
  const agents: Linked["agent"][] = [];
  for (let made = 0; made < count; made += 1) {
    const { agent, stack } = await world.linked();
    await world.submit(stack);
    agents.push(agent);
  }
  statements.forget();
  return { statements, world, agents, database };
}

/** Runs `work` while another transaction holds rows. */
async function whileHeld<T>(
  database: Database,
  hold: (tx: Transaction) => Promise<unknown>,
  work: (release: () => void) => Promise<T>,
): Promise<T> {
  const [isHeld, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const holding = database.share("bulk").transaction(async (tx) => {
    await hold(tx);
    isHeld.resolve();
    await end.promise;
  });
  await isHeld.promise;
  try {
    return await work(end.resolve);
  } finally {
    end.resolve();
    await holding;
  }
}

testWith("postgres", "what polls tell that arrive together is marked by one statement", async () => {
  await using parts = new AsyncDisposableStack();
  const { statements, world, agents, database } = await untold(parts, 20);
  const hold = (tx: Transaction) => tx`select id from deliveries for update`;

  const snapshots = await whileHeld(database, hold, async (release) => {
    statements.forget();
    const polls = agents.map((agent) => world.poll(agent));
    await eventually("all have read", () => statements.counts().select === agents.length);
    release();
    return await Promise.all(polls);
  });

  assert.deepEqual(snapshots.map(({ length }) => length), agents.map(() => 1));
  assert.ok(statements.counts().update <= 2, `${statements.counts().update} statements mark`);
});

testWith("postgres", "what polls tell is marked while another transaction holds one of the agents", async () => {
  await using parts = new AsyncDisposableStack();
  const { world, agents, database } = await untold(parts, 5);
  const [first, ...others] = agents;
  assert.ok(first);
  const hold = (tx: Transaction) => tx`select id from agents where id = ${first.id} for no key update`;

  const { ofOthers, waiting } = await whileHeld(database, hold, async (release) => {
    const waiting = world.poll(first);
    const ofOthers = await Promise.all(others.map((agent) => world.poll(agent)));
    release();
    return { ofOthers, waiting: await waiting };
  });

  assert.deepEqual([...ofOthers, waiting].map(({ length }) => length), agents.map(() => 1));
});

testWith("postgres", "objects that agents ask for at once are looked up by few statements", async () => {
  await using parts = new AsyncDisposableStack();
  const { statements, world, agents } = await untold(parts, 20);
  const asked = await Promise.all(agents.map(async (agent) => ({ agent, objects: await world.poll(agent) })));
  statements.forget();

  const found = await Promise.all(
    asked.map(({ agent, objects: [stack] }) => world.store.objects.get(stack?.object?.id ?? "", agent.id)),
  );

  assert.deepEqual(found.map(({ isAssociated }) => isAssociated), agents.map(() => true));
  assert.ok(statements.counts().select <= 2, `${statements.counts().select} statements read`);
});

testWith(
  "postgres",
  "keys that are looked up at once are found by few statements, whoever else's are among them",
  async () => {
    await using parts = new AsyncDisposableStack();
    const statements = recordedStatements();
    const { database } = parts.use(await postgresDatabase({ metrics: statements.metrics }));
    const world = new StoreWorld(database);
    const owners = await Promise.all(Array.from({ length: 30 }, () => world.agent()));
    const hashes = owners.map(() => world.hash());
    const strangers = Array.from({ length: 600 }, () => world.hash());
    const change = async (at: number, keepsFormer: boolean, pakHash = hashes[at] ?? "") =>
      await world.store.agents.changePak(owners[at]?.id ?? "", { pakHash, keepsFormer });
    for (const at of owners.keys()) await change(at, false);
    const newest = world.hash();
    await change(0, true, newest);
    statements.forget();

    const [ofStrangers, ofOwners, again] = await Promise.all(
      [strangers, hashes, [newest, ...hashes]].map((some) =>
        Promise.all(some.map((hash) => world.store.keys.find(hash)))
      ),
    );

    assert.deepEqual(new Set(ofStrangers), new Set([undefined]));
    assert.deepEqual(ofOwners?.map((key) => key?.caller.id), owners.map(({ id }) => id));
    assert.deepEqual(ofOwners?.map((key) => key?.caller.isByFormerKey === true), owners.map((_, at) => at === 0));
    assert.deepEqual(again?.map((key) => key?.caller), [
      { role: "agent", id: owners[0]?.id },
      ...ofOwners?.map((key) => key?.caller) ?? [],
    ]);
    assert.ok(statements.counts().select <= 3, `${statements.counts().select} statements read`);
  },
);

interface Plan {
  readonly "Node Type": string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly Plans?: readonly Plan[];
}

interface Explained {
  readonly statement: string;
  readonly plan: Plan;
}

function scans(plan: Plan): string[] {
  const table = plan["Relation Name"] ?? "";
  const own = plan["Node Type"] === "Seq Scan" && !ONE_ROW.has(table) ? [table] : [];
  return [...own, ...(plan.Plans ?? []).flatMap(scans)];
}

/** The index by which each look at a table is had. */
function indexesRead(plan: Plan, table: string): (string | undefined)[] {
  const own = plan["Relation Name"] === table ? [plan["Index Name"]] : [];
  return [...own, ...(plan.Plans ?? []).flatMap((each) => indexesRead(each, table))];
}

/** The same database, which notes the plan of every statement before it runs it. */
function explaining(database: Database, explained: Explained[]): Database {
  const explainer: Database = {
    ...database,
    sql: explainingSql(database.sql, explained),
    transaction: (work) =>
      database.transaction((tx) =>
        work(Object.assign(explainingSql(tx, explained), {
          notify: (channel: string, payload: string) => tx.notify(channel, payload),
        }) as Transaction)
      ),
    share: () => explainer,
  };
  return explainer;
}

function explainingSql(sql: Sql, explained: Explained[]): Sql {
  async function run<Row extends object>(pieces: TemplateStringsArray, ...values: readonly SqlValue[]) {
    const [head = "", ...tail] = pieces;
    const text = Object.assign([`explain (format json) ${head}`, ...tail], { raw: pieces.raw });
    const [row] = await sql<{ "QUERY PLAN": readonly { readonly Plan: Plan }[] }>(text, ...values);
    const plan = row?.["QUERY PLAN"][0]?.Plan;
    if (plan !== undefined) explained.push({ statement: pieces.join("?"), plan });
    return await sql<Row>(pieces, ...values);
  }
  return Object.assign(run, { fragment: sql.fragment, json: sql.json });
}

/**
 * 10,000 agents and stacks, 1,000 generators; labels bring each agent some 40 stacks, annotations and links two more.
 */
async function fill({ sql }: Database): Promise<void> {
  await sql`
    insert into generators (name, pak_hash)
    select 'team-' || n, encode(sha256((-n)::text::bytea), 'hex') from generate_series(1, 1000) n`;
  await sql`
    insert into agents (name, cluster_name, pak_hash, last_heartbeat)
    select 'agent-' || n, 'cluster', encode(sha256(n::text::bytea), 'hex'), now() from generate_series(1, 10000) n`;
  await sql`insert into agent_heartbeats (agent_id, last_heartbeat) select id, now() from agents`;
  await sql`
    insert into agent_generator_registrations (agent_id, generator_id)
    select agents.id, generators.id from agents, generators where generators.name in ('__system__', 'team-1')`;
  await sql`
    insert into stacks (name, generator_id)
    select 'stack-' || n, generators.id from generate_series(1, 10000) n, generators where generators.name = 'team-1'`;
  await sql`insert into stack_labels (stack_id, label) select id, right(md5(name), 2) from stacks`;
  await sql`insert into agent_labels (agent_id, label) select id, right(md5(name), 2) from agents`;
  await sql`insert into stack_annotations (stack_id, key, value) select id, 'number', substr(name, 7) from stacks`;
  await sql`insert into agent_annotations (agent_id, key, value) select id, 'number', substr(name, 7) from agents`;
  await sql`
    insert into agent_targets (agent_id, stack_id)
    select agents.id, stacks.id from agents join stacks on substr(agents.name, 7) = substr(stacks.name, 7)`;
  await sql`
    insert into deployment_objects (stack_id, yaml_content, yaml_checksum)
    select id, 'apiVersion: v1', encode(sha256(name::bytea), 'hex') from stacks`;
  await sql`
    insert into deliveries (agent_id, stack_id, desired_object_id, first_seen_at)
    select agent_id, stack_id, object_id, now() from desired_objects
    where agent_id in (select id from agents where name like 'agent-7%')`;
  await sql`
    insert into deliveries (agent_id, stack_id, desired_object_id, first_seen_at)
    select target.agent_id, target.stack_id, object.id, now()
    from agent_targets target join deployment_objects object on object.stack_id = target.stack_id
    on conflict do nothing`;
  await sql`
    insert into agent_events (agent_id, deployment_object_id, event_type, status)
    select agent_id, desired_object_id, 'DEPLOY', 'SUCCESS' from deliveries`;
  await bury({ sql });
  await sql`analyze`;
}

/** As many that were deleted: stacks with an object and what agents said of it, and agents. */
async function bury({ sql }: Pick<Database, "sql">): Promise<void> {
  await sql`
    insert into stacks (name, generator_id, deleted_at)
    select 'dead-' || n, generators.id, now()
    from generate_series(1, 20000) n, generators where generators.name = 'team-1'`;
  await sql`
    insert into agents (name, cluster_name, pak_hash, deleted_at)
    select 'dead-' || n, 'cluster', encode(sha256(('dead' || n)::bytea), 'hex'), now() from generate_series(1, 20000) n`;
  await sql`
    insert into deployment_objects (stack_id, yaml_content, yaml_checksum, deleted_at)
    select id, 'apiVersion: v1', encode(sha256(name::bytea), 'hex'), now() from stacks where deleted_at is not null`;
  await sql`
    insert into deliveries (agent_id, stack_id, desired_object_id, state, first_seen_at)
    select agents.id, object.stack_id, object.id, 'removed', now()
    from deployment_objects object join agents on agents.name = 'agent-7' where object.deleted_at is not null limit 500`;
  await sql`update deployment_objects set settled_at = now()`;
}

async function drained({ settling }: Store): Promise<void> {
  while (await settling.settleNext());
}
