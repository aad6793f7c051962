import { fc } from "../../fakes/fast_check.ts";
import assert from "node:assert/strict";
import { isFailure } from "$lib/error.ts";
import type { Agent } from "../../../broker/domain/agent.ts";
import { CHANGES, readNotice } from "../../../broker/domain/notice.ts";
import type { Store } from "../../../broker/store/mod.ts";
import { openStore } from "../../../broker/store/open.ts";
import { embeddedDatabase } from "../../fakes/databases.ts";
import { assertCounted } from "./delivery_counts.ts";
import { StoreWorld } from "./store_world.ts";
import { longTest } from "../../run/parts.ts";

const RUNS = 40;
const STEPS = 25;
const AGENTS = 2;
const STACKS = 2;

/** What is done to an agent, a stack or the pair of them; what is refused does nothing. */
const OPERATIONS = [
  "submit",
  "mark",
  "label agent",
  "label stack",
  "unlabel agent",
  "unlabel stack",
  "target",
  "untarget",
  "register",
  "deregister",
  "rename",
  "suspend",
  "resume",
  "remove stack",
  "poll",
  "applied",
  "removed",
  "held",
  "blocked",
  "approve",
  "approve stack",
  "purge",
] as const;

const steps = fc.array(
  fc.record({
    operation: fc.constantFrom(...OPERATIONS),
    agent: fc.nat(AGENTS - 1),
    stack: fc.nat(STACKS - 1),
  }),
  { minLength: STEPS, maxLength: STEPS },
);

longTest(
  "a revision is raised, and told, when, and only when, what the snapshot says is another; deliveries are counted right",
  async () => {
    await using embedded = await embeddedDatabase();
    const { database } = embedded;
    const world = new StoreWorld(database);
    const named: string[] = [];
    const ending = new AbortController();
    const listening = database.listen(CHANGES, {
      onNotice: (payload) => named.push(...readNotice(payload).agentIds),
      onState: () => {},
    }, ending.signal);

    for (const agentsAtOnce of [200, 1]) {
      const store = openStore(database, { agentsAtOnce });
      await fc.assert(fc.asyncProperty(steps, (all) => agree({ world, store, named }, all)), { numRuns: RUNS });
    }
    ending.abort();
    await listening;
  },
);

type Step = { readonly operation: (typeof OPERATIONS)[number]; readonly agent: number; readonly stack: number };

interface Agreeing {
  readonly world: StoreWorld;
  readonly store: Store;
  /** The agents that notices have named. */
  readonly named: string[];
}

/** The oracle is the whole snapshot, read before and after each step. */
async function agree({ world, store, named }: Agreeing, all: readonly Step[]): Promise<void> {
  const generator = await world.generator();
  const label = generator.name;
  const agents = await Promise.all(Array.from({ length: AGENTS }, () => world.agent(generator)));
  const stacks = await Promise.all(Array.from({ length: STACKS }, () => world.stack(generator)));
  for (const step of all) {
    const [agent, stack] = [agents[step.agent], stacks[step.stack]];
    assert.ok(agent && stack);
    const pair = { agentId: agent.id, stackId: stack.id };
    const before = await snapshotTexts(store, agents);
    named.length = 0;

    await done(world, store, { ...pair, generatorId: generator.id, label, operation: step.operation });
    while (await store.settling.settleNext());
    await store.notices.flush();
    await assertCounted(world.database.sql, step.operation);

    const after = await snapshotTexts(store, agents);
    after.forEach(({ id, revision, text }, index) => {
      const was = before[index];
      const isRaised = revision !== was?.revision;
      assert.equal(isRaised, text !== was?.text, `${step.operation}:\n${was?.text}\n${text}`);
      assert.equal(isRaised, named.includes(id), `${step.operation}: ${named}`);
    });
  }
}

async function snapshotTexts({ snapshots }: Store, agents: readonly Agent[]) {
  return await Promise.all(agents.map(async ({ id }) => {
    const { revision, isDelivered: _, ...said } = await snapshots.read(id, { isOwn: false });
    return { id, revision, text: JSON.stringify(said) };
  }));
}

interface Doing {
  readonly operation: (typeof OPERATIONS)[number];
  readonly agentId: string;
  readonly stackId: string;
  readonly generatorId: string;
  readonly label: string;
}

async function done(world: StoreWorld, store: Store, doing: Doing): Promise<void> {
  try {
    await act(world, store, doing);
  } catch (error) {
    if (!isFailure(error)) throw error;
  }
}

async function act(world: StoreWorld, store: Store, doing: Doing): Promise<unknown> {
  const { operation, agentId, stackId, generatorId, label } = doing;
  const { revision } = await store.snapshots.version(agentId);
  const submit = (isDeletionMarker: boolean) =>
    store.objects.submit({ stackId, yamlContent: "", yamlChecksum: world.hash(), isDeletionMarker });
  const report = (state: "applied" | "removed" | "blocked", reason?: "prune_held" | "namespace_not_empty") =>
    store.deliveries.report({ agentId, stackId, state, reason, revision });
  const change = async (suspended?: boolean) => {
    const { name } = await store.stacks.getForChange(stackId);
    return await store.stacks.change(stackId, { name: suspended === undefined ? world.name("new") : name, suspended });
  };
  const held = () => store.deliveries.find(agentId, stackId).then((delivery) => delivery?.heldRevision ?? 0);
  const acts: Readonly<Record<Doing["operation"], () => Promise<unknown>>> = {
    "submit": () => submit(false),
    "mark": () => submit(true),
    "label agent": () => store.agentTags.addLabel(agentId, label),
    "label stack": () => store.stackTags.addLabel(stackId, label),
    "unlabel agent": () => store.agentTags.removeLabel(agentId, label),
    "unlabel stack": () => store.stackTags.removeLabel(stackId, label),
    "target": () => store.targets.add(agentId, stackId),
    "untarget": () => store.targets.remove(agentId, stackId),
    "register": () => store.registrations.add(agentId, generatorId),
    "deregister": () => store.registrations.remove(agentId, generatorId),
    "rename": () => change(),
    "suspend": () => change(true),
    "resume": () => change(false),
    "remove stack": () => store.stacks.remove(stackId),
    "poll": () => store.snapshots.read(agentId, { isOwn: true }),
    "applied": () => report("applied"),
    "removed": () => report("removed"),
    "held": () => report("blocked", "prune_held"),
    "blocked": () => report("blocked", "namespace_not_empty"),
    "approve": async () => store.agents.approvePrune(agentId, { revision: await held() }),
    "approve stack": async () => store.agents.approvePrune(agentId, { revision: await held(), stackId }),
    "purge": async () => {
      await world.database.sql`update deliveries set observed_at = now() - interval '2 days' where state = 'removed'`;
      await store.deliveries.purge(1_000);
    },
  };
  return await acts[operation]();
}
