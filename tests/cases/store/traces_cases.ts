import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { systemClock } from "$lib/clock.ts";
import { parseTraceparent, traceHeaders } from "$lib/traceparent.ts";
import type { Agent } from "../../../broker/domain/agent.ts";
import type { Stack } from "../../../broker/domain/stack.ts";
import type { Store } from "../../../broker/store/mod.ts";
import { openStore } from "../../../broker/store/open.ts";
import { recordedTracing } from "../../fakes/recorded_spans.ts";
import { crowd, drain } from "./settling_cases.ts";
import type { StoreCase, StoreWorld } from "./store_world.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = `00-${TRACE_ID}-00f067aa0ba902b7`;
const [SAMPLED, NOT_SAMPLED] = [`${SPAN}-01`, `${SPAN}-00`];
const OTHER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/** How a submission's trace goes on to agents, and how a turn's comes back with its report. */
export const tracesCases: readonly StoreCase[] = [
  {
    claim: "an agent is told the span of the submission, sampled as that was; of one without, none",
    async run(world) {
      const { agent, stack } = await world.linked();
      const shown: (string | undefined)[] = [];

      for (const traceparent of [SAMPLED, NOT_SAMPLED, undefined]) {
        const raised = await world.raised(agent, () => submit(world.store, world, { stack, traceparent }));
        assert.equal(raised, 1);
        shown.push(await traceparentOf(world.store, agent));
      }

      assert.deepEqual(shown, [SAMPLED, NOT_SAMPLED, undefined]);
    },
  },
  {
    claim: "an agent is told what vendors say of the trace of the submission, and nothing of another's",
    async run(world) {
      const { store } = world;
      const { agent, stack } = await world.linked();
      const shown: (string | undefined)[] = [];

      for (const tracestate of ["vendor=a1", undefined]) {
        await submit(store, world, { stack, traceparent: SAMPLED, ...(tracestate && { tracestate }) });
        const { stacks } = await store.snapshots.read(agent.id, { isOwn: true });
        shown.push(stacks[0]?.object?.tracestate);
      }

      assert.deepEqual(shown, ["vendor=a1", undefined]);
    },
  },
  {
    claim: "of many agents the first by the digest of trace and agent go on with the trace, whoever settles them",
    async run(world) {
      const options = { agentsPerTrace: 3 };
      const { store, agents, stack } = await crowd(world, 7, options);
      const other = openStore(world.database, { agentsAtOnce: 2, ...options });

      await submit(store, world, { stack, traceparent: SAMPLED });
      await store.settling.settleNext();
      await other.settling.settleNext();
      await drain(store);

      const digest = ({ id }: Agent) => createHash("md5").update(`${TRACE_ID}${id}`).digest("hex");
      const first = agents.toSorted((one, two) => digest(one) < digest(two) ? -1 : 1).slice(0, 3);
      for (const agent of agents) {
        assert.equal(await traceparentOf(store, agent), first.includes(agent) ? SAMPLED : NOT_SAMPLED);
      }
    },
  },
  {
    claim: "the trace of the submission that is delivered goes on, and not one that it overtook",
    async run(world) {
      const { store, agents, stack } = await crowd(world, 5);
      await submit(store, world, { stack, traceparent: SAMPLED });
      await drain(store);

      await submit(store, world, { stack, traceparent: SAMPLED });
      await submit(store, world, { stack, traceparent: OTHER });
      await drain(store);
      const shown = await Promise.all(agents.map((agent) => traceparentOf(store, agent)));
      await submit(store, world, { stack, traceparent: SAMPLED });
      await submit(store, world, { stack, traceparent: undefined });
      await drain(store);

      assert.deepEqual(new Set(shown), new Set([OTHER]));
      assert.deepEqual(
        new Set(await Promise.all(agents.map((agent) => traceparentOf(store, agent)))),
        new Set([undefined]),
      );
    },
  },
  {
    claim: "an agent that is associated after a submission is told its span, and goes on with it no more",
    async run(world) {
      const { stack, generator } = await world.linked();
      const [byTarget, byLabel] = [await world.agent(generator), await world.agent(generator)];
      await submit(world.store, world, { stack, traceparent: SAMPLED });

      await world.store.targets.add(byTarget.id, stack.id);
      await world.store.agentTags.addLabel(byLabel.id, stack.name);
      await world.store.stackTags.addLabel(stack.id, stack.name);

      assert.deepEqual([await traceparentOf(world.store, byTarget), await traceparentOf(world.store, byLabel)], [
        NOT_SAMPLED,
        NOT_SAMPLED,
      ]);
    },
  },
  {
    claim: "what a broker of 0.10.0 settled onto another object is told with that one's span",
    async run(world) {
      const { agent, stack } = await world.linked();
      await submit(world.store, world, { stack, traceparent: SAMPLED });
      const [object] = await world.database.sql<{ id: string }>`
        insert into deployment_objects (stack_id, yaml_content, yaml_checksum, traceparent, settled_at)
        values (${stack.id}, 'apiVersion: v1', ${world.hash()}, ${OTHER}, now()) returning id`;

      await world.database.sql`
        update deliveries set desired_object_id = ${object?.id ?? null} where stack_id = ${stack.id}`;

      assert.equal(await traceparentOf(world.store, agent), OTHER);
    },
  },
  {
    claim: "settling is part of the trace of the submission that is delivered, turn by turn, with its statements",
    async run(world) {
      const { tracing, spans } = recordedTracing({ clock: systemClock() });
      const { store, stack } = await crowd(world, 5, { tracing });

      await submit(store, world, { stack, traceparent: SAMPLED });
      await drain(store);
      await submit(store, world, { stack, traceparent: NOT_SAMPLED });
      await submit(store, world, { stack, traceparent: undefined });
      await drain(store);

      const settled = await spans();
      assert.deepEqual(settled.map(({ name, attributes }) => [name, attributes["brokkr.settle.agents"]]), [
        ["settle", 2],
        ["settle", 2],
        ["settle", 1],
      ]);
      assert.ok(settled.every(({ traceId, parentId }) => `00-${traceId}-${parentId}` === SPAN));
      assert.ok(settled.every(({ attributes }) => attributes["brokkr.stack.id"] === stack.id));
    },
  },
  {
    claim: "how long a delivery waited is part of the trace once its agent is told, of agents that go on with it alone",
    async run(world) {
      const { tracing, spans } = recordedTracing({ clock: systemClock() });
      const { store, agents, stack } = await crowd(world, 4, { tracing, agentsPerTrace: 2 });
      await submit(store, world, { stack, traceparent: SAMPLED });
      await drain(store);
      const [first, second] = await asyncFilter(agents, async (agent) => await shownTo(store, agent) === SAMPLED);
      assert.ok(first && second);

      for (const agent of agents) {
        if (agent !== second) await traceparentOf(store, agent);
        await traceparentOf(store, first);
      }
      await store.deliveries.report({ agentId: second.id, stackId: stack.id, state: "applied" });

      const waits = (await spans()).filter(({ name }) => name === "delivery wait");
      const { desiredAt, deliveredAt, desiredObjectId } = await store.deliveries.find(first.id, stack.id) ?? {};
      assert.ok(desiredAt && deliveredAt && desiredObjectId);
      assert.deepEqual(waits.map(({ attributes }) => attributes["brokkr.agent.id"]), [first.id, second.id]);
      assert.ok(waits.every(({ traceId, parentId }) => `00-${traceId}-${parentId}` === SPAN));
      assert.equal(waits[0]?.attributes["brokkr.deployment_object.id"], desiredObjectId);
      const [startMs, endMs] = [waits[0]?.startNanoseconds, waits[0]?.endNanoseconds].map((at) => Number(at) / 1e6);
      assert.ok(Math.abs((startMs ?? 0) - desiredAt.getTime()) <= 1, "to the millisecond, as a Date has it");
      assert.ok(Math.abs((endMs ?? 0) - deliveredAt.getTime()) <= 1);
    },
  },
  {
    claim:
      "an agent is told of a removal which request began it, and what vendors say of that, until it is done or the stack wanted again",
    async run(world) {
      const { tracing } = recordedTracing({ clock: systemClock() });
      const store = openStore(world.database, { tracing });
      const linked = await world.linked();
      const { agent, stack } = linked;
      await world.submit(stack);
      await world.poll(agent);
      const asking = async (work: () => Promise<unknown>) => {
        const span = tracing.begin("request", { parent: parseTraceparent(SAMPLED, "vendor=a1") });
        await tracing.within(span, work);
        span?.end();
        return span && [{ stackId: stack.id, tracestate: "vendor=a1", ...traceHeaders(span.context) }];
      };
      const shown = async () =>
        (await store.snapshots.read(agent.id, { isOwn: true })).removals.map(({ askedAt, ...removal }) => {
          assert.ok(Math.abs(Date.now() - askedAt.getTime()) < 600_000);
          return removal;
        });

      await store.targets.remove(agent.id, stack.id);
      const untraced = await shown();
      await store.targets.add(agent.id, stack.id);
      const ended = await asking(() => store.targets.remove(agent.id, stack.id));
      const first = await shown();
      await store.targets.add(agent.id, stack.id);
      const restored = await shown();
      const deleted = await asking(() => store.stacks.remove(stack.id));
      const second = await shown();
      await world.report(linked, { state: "removed" });

      assert.deepEqual([untraced, restored, await shown()], [[], [], []]);
      assert.deepEqual([first, second], [ended, deleted]);
    },
  },
  {
    claim:
      "of a removal that is asked for once more the first request counts: a snapshot of one revision says one thing",
    async run(world) {
      const { stack, agent } = await world.linked();
      await world.submit(stack);
      await world.poll(agent);
      const mark = (traceparent: string, tracestate: string) =>
        submit(world.store, world, { stack, traceparent, tracestate, isDeletionMarker: true });
      const shown = async () => (await world.store.snapshots.read(agent.id, { isOwn: true })).removals;

      await mark(SAMPLED, "vendor=a1");
      const first = await shown();
      const raised = await world.raised(agent, () => mark(OTHER, "vendor=b2"));

      assert.equal(raised, 0);
      assert.deepEqual(first.map(({ traceparent, tracestate }) => [traceparent, tracestate]), [[SAMPLED, "vendor=a1"]]);
      assert.deepEqual(await shown(), first);
    },
  },
  {
    claim: "of many agents that have a stack the first are part of the trace of its deletion, turn by turn",
    async run(world) {
      const { tracing, spans } = recordedTracing({ clock: systemClock() });
      const { store, agents, stack } = await crowd(world, 5, { tracing, agentsPerTrace: 3 });
      await submit(store, world, { stack, traceparent: undefined });
      await drain(store);
      for (const agent of agents) await traceparentOf(store, agent);

      const span = tracing.begin("request");
      await tracing.within(span, () => store.stacks.remove(stack.id));
      await drain(store);
      span?.end();

      const shown = await Promise.all(agents.map((agent) => store.snapshots.read(agent.id, { isOwn: true })));
      const flags = shown.flatMap(({ removals }) => removals.map(({ traceparent }) => traceparent.slice(-2)));
      const settled = (await spans()).filter(({ name }) => name === "settle");
      assert.deepEqual(flags.toSorted(), ["00", "00", "01", "01", "01"]);
      assert.deepEqual(settled.map(({ parentId }) => parentId), settled.map(() => span?.context.spanId));
      assert.equal(settled.length, 3);
    },
  },
  {
    claim: "a report's trace stands in its event and in the delivery, until something else is said, or wanted",
    async run(world) {
      const linked = await world.linked();
      const { agent, stack } = linked;
      await world.submit(stack);
      await world.poll(agent);
      const traceOf = async () => (await world.delivery(linked))?.traceId;

      const { event } = await world.report(linked, { state: "failed", traceId: TRACE_ID, attempts: 1 });
      const health = { status: "degraded", at: new Date() } as const;
      const failed = [await traceOf()];
      await world.report(linked, { state: "failed", attempts: 1, health });
      failed.push(await traceOf());
      const untraced = await world.report(linked, { state: "applied" });
      const applied = await traceOf();
      await world.report(linked, { state: "failed", traceId: TRACE_ID });
      await world.submit(stack);

      assert.deepEqual(failed, [TRACE_ID, TRACE_ID]);
      assert.deepEqual([untraced.event?.traceId, applied, await traceOf()], [undefined, undefined, undefined]);
      assert.deepEqual([event?.traceId, (await world.store.events.get(event?.id ?? "")).traceId], [TRACE_ID, TRACE_ID]);
    },
  },
];

async function submit(
  { objects }: Store,
  world: StoreWorld,
  { stack, traceparent, tracestate, isDeletionMarker = false }: Submitted,
): Promise<void> {
  const yamlContent = isDeletionMarker ? "" : "apiVersion: v1";
  const submission = { yamlContent, yamlChecksum: world.hash(), isDeletionMarker };
  const trace = {
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(tracestate === undefined ? {} : { tracestate }),
  };
  await objects.submit({ stackId: stack.id, ...submission, ...trace });
}

interface Submitted {
  readonly stack: Stack;
  readonly traceparent: string | undefined;
  readonly tracestate?: string;
  readonly isDeletionMarker?: boolean;
}

/** The `traceparent` of the agent's one object, as it is told it. */
async function traceparentOf(store: Store, agent: Agent): Promise<string | undefined> {
  return await shownTo(store, agent, { isOwn: true });
}

/** The same, as its snapshot says it to somebody else. */
async function shownTo({ snapshots }: Store, { id }: Agent, { isOwn = false } = {}): Promise<string | undefined> {
  const { stacks } = await snapshots.read(id, { isOwn });
  return stacks[0]?.object?.traceparent;
}

async function asyncFilter<T>(items: readonly T[], is: (item: T) => Promise<boolean>): Promise<readonly T[]> {
  const verdicts = await Promise.all(items.map(is));
  return items.filter((_, index) => verdicts[index]);
}
