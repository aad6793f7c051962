import assert from "node:assert/strict";
import { systemClock } from "$lib/clock.ts";
import { migratedDataDir } from "../fakes/databases.ts";
import { startSimulatedCluster } from "../fakes/cluster/mod.ts";
import type { ReceivedSpan } from "../fakes/otlp_spans.ts";
import { recordedTracing, type RecordingOptions } from "../fakes/recorded_spans.ts";
import { startTracedPrograms } from "../fakes/traced_programs.ts";
import { configMapYaml } from "../cases/reconcile/world.ts";
import { eventually } from "./wait.ts";
import { longTest } from "../run/parts.ts";

const CLIENT = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
/** What the client's vendor says of its trace. */
const STATE = "vendor=a1b2,other=c3";
const TRACEPARENT = `00-${CLIENT.traceId}-${CLIENT.spanId}-01`;

/** Both programs on the embedded database and a simulated cluster. */
async function traced(sampling: Partial<Record<"broker" | "agent", RecordingOptions>> = {}) {
  await using opening = new AsyncDisposableStack();
  const dataDir = opening.use(await migratedDataDir());
  const cluster = opening.use(await startSimulatedCluster());
  const recorded = (who: "broker" | "agent") => recordedTracing({ clock: systemClock(), ratio: 0, ...sampling[who] });
  const [broker, agent] = [recorded("broker"), recorded("agent")];
  const programs = opening.use(
    await startTracedPrograms({
      address: { url: undefined, dataDir: dataDir.path },
      kubeconfigPath: cluster.kubeconfigPath,
      tracing: { broker: broker.tracing, agent: agent.tracing },
    }),
  );
  const opened = opening.move();
  return {
    ...{ programs, cluster },
    spansOf: { broker: broker.spans, agent: agent.spans },
    spans: async () => [...await broker.spans(), ...await agent.spans()],
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

function one(spans: readonly ReceivedSpan[], name: string): ReceivedSpan {
  const [found, ...more] = spans.filter((span) => span.name === name);
  assert.ok(found, `no span "${name}" among ${spans.map((span) => span.name).join(", ")}`);
  assert.deepEqual(more, []);
  return found;
}

/** Spans by name that are directly within another, in the order they began. */
function within(spans: readonly ReceivedSpan[], parent: ReceivedSpan): readonly string[] {
  const children = spans.filter(({ parentId }) => parentId === parent.spanId);
  return children.toSorted((a, b) => Number(a.startNanoseconds - b.startNanoseconds)).map(({ name }) => name);
}

/** What is done before the one who asked goes on lies inside; what follows begins after that began. */
function mustFollow(span: ReceivedSpan, parent: ReceivedSpan, { isInside }: { readonly isInside: boolean }): void {
  assert.equal(span.parentId, parent.spanId, `${span.name} in ${parent.name}`);
  assert.ok(span.startNanoseconds >= parent.startNanoseconds, `${span.name} begins before ${parent.name}`);
  if (isInside) assert.ok(span.endNanoseconds <= parent.endNanoseconds, `${span.name} ends after ${parent.name}`);
}

const SUBMIT = "POST /api/v1/stacks/:id/deployment-objects";
const REPORT = "POST /api/v1/agents/:id/events";
const SEND_REPORT = "POST /api/v1/agents/{id}/events";
const POLL = "GET /api/v1/agents/{id}/snapshot";
const CONFIG_MAPS = "/api/v1/namespaces/{namespace}/configmaps";

longTest(
  "one trace: a client's submission, the broker's work, the wait, the agent's turn, its writes, its report",
  async () => {
    await using world = await traced();
    const { programs } = world;
    const agent = await programs.addAgent("edge");
    const stackId = await programs.addStack("web", [agent]);
    await programs.startAgent(agent);

    const object = await programs.submit(stackId, configMapYaml("settings", "1"), TRACEPARENT, STATE);
    const event = await eventually("it is applied", async () => (await programs.events(agent))[0]);

    const spans = await eventually("its report has ended at both ends", async () => {
      const ended = (await world.spans()).filter(({ traceId }) => traceId === CLIENT.traceId);
      const [sents, reports] = [SEND_REPORT, REPORT].map((name) => ended.filter((span) => span.name === name).length);
      return sents !== 0 && sents === reports && ended;
    });
    const [server, turn, wait] = [one(spans, SUBMIT), one(spans, "apply stack"), one(spans, "delivery wait")];
    const [poll, settle] = [one(spans, POLL), one(spans, "settle")];
    const [sents, reports] = [SEND_REPORT, REPORT].map((name) => spans.filter((span) => span.name === name));
    assert.ok(sents?.[0] && reports?.[0], "a turn that takes long says besides that it applies");
    assert.deepEqual([server.parentId, server.kind, turn.kind, wait.kind], [CLIENT.spanId, "server", ...INTERNAL]);
    assert.equal(poll.kind, "client");
    assert.ok(turn.startNanoseconds >= poll.endNanoseconds, "the turn begins once the agent was told");
    for (const span of [wait, poll, turn]) mustFollow(span, server, { isInside: false });
    mustFollow(settle, server, { isInside: true });
    for (const sent of sents) {
      assert.equal(sent.kind, "client");
      mustFollow(sent, turn, { isInside: false });
    }
    for (const report of reports) {
      const sent = sents.find(({ spanId }) => spanId === report.parentId) ?? assert.fail("nobody sent the report");
      assert.equal(report.kind, "server");
      mustFollow(report, sent, { isInside: false }); // the client has the answer before the server has sent its end
    }
    assert.deepEqual(within(spans, turn).filter((name) => name !== SEND_REPORT), [
      `POST ${CONFIG_MAPS}`, // the record, before the first write
      `PATCH ${CONFIG_MAPS}/{name}`,
      `PATCH ${CONFIG_MAPS}/{name}`,
    ]);
    const statements = spans.filter(({ attributes }) => attributes["db.system.name"] === "postgresql");
    const parents = new Map(spans.map((span) => [span.spanId, span]));
    for (const statement of statements) {
      const parent = parents.get(statement.parentId);
      assert.ok(parent && [server, settle, ...reports].includes(parent), statement.name);
      mustFollow(statement, parent, { isInside: true });
    }
    for (const span of spans.filter(({ parentId, kind }) => parentId === turn.spanId && kind === "client")) {
      if (!sents.includes(span)) mustFollow(span, turn, { isInside: true });
    }
    for (const { name, traceState } of [server, poll, turn, ...sents, ...reports]) {
      assert.equal(
        traceState,
        STATE,
        name,
      );
    }
    assert.equal(turn.attributes["brokkr.deployment_object.id"], object.id);
    assert.equal(event.trace_id, CLIENT.traceId);
    const others = spans.filter(({ parentId, kind }) => parentId === turn.spanId && kind === "client").length;
    assert.equal(spans.length, statements.length + [server, settle, wait, poll, turn].length + others + reports.length);
  },
);

const INTERNAL = ["internal", "internal"];

longTest("an agent that was away joins the trace of what was submitted meanwhile", async () => {
  await using world = await traced();
  const { programs } = world;
  const agent = await programs.addAgent("edge");
  const stackId = await programs.addStack("web", [agent]);

  await programs.submit(stackId, configMapYaml("settings", "1"), TRACEPARENT);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await programs.startAgent(agent);
  await eventually("it is applied", async () => (await programs.events(agent))[0]);

  const spans = await world.spans();
  const [wait, poll, turn] = [one(spans, "delivery wait"), one(spans, POLL), one(spans, "apply stack")];
  assert.deepEqual([wait.traceId, poll.traceId, turn.traceId], Array(3).fill(CLIENT.traceId));
  assert.ok(wait.endNanoseconds - wait.startNanoseconds >= 1_000_000_000n);
  assert.ok(turn.startNanoseconds >= wait.endNanoseconds);
});

longTest("a retry, a repair of drift and a resync are traces of their own that name the submission", async () => {
  await using world = await traced({ agent: { ratio: 1 } });
  const { programs, cluster } = world;
  const agent = await programs.addAgent("edge");
  const stackId = await programs.addStack("web", [agent]);
  const endFault = cluster.fault({ method: "PATCH", name: "settings" }, { status: 403, times: Infinity });
  await programs.startAgent(agent, { "agent.resync_interval": "3" });
  const turns = async (cause: string) => {
    const spans = await world.spansOf.agent();
    return spans.filter(({ attributes }) => attributes["brokkr.turn.cause"] === cause);
  };

  await programs.submit(stackId, configMapYaml("settings", "1"), TRACEPARENT);
  const [first] = await eventually("the first turn failed", async () => some(await turns("submission")));
  endFault();
  const retries = await eventually("it was tried again", async () => some(await turns("retry")));
  const resyncs = await eventually("it was looked at again", async () => some(await turns("resync")));
  await cluster.change("/api/v1/namespaces/default/configmaps/settings", { data: { value: "by hand" } });
  const drifts = await eventually("drift was repaired", async () => some(await turns("drift")));

  const server = one(await world.spansOf.broker(), SUBMIT);
  assert.deepEqual([first?.traceId, first?.parentId, first?.status], [CLIENT.traceId, server.spanId, "error"]);
  assert.equal(first?.attributes["error.type"], "refused");
  for (const turn of [...retries, ...resyncs, ...drifts]) {
    assert.equal(turn.parentId, "");
    assert.notEqual(turn.traceId, CLIENT.traceId);
    assert.deepEqual(turn.links, [`${CLIENT.traceId}-${server.spanId}`]);
  }
});

longTest("a turn that fails is seen with a ratio of 0: a trace of its own, which its event names", async () => {
  await using world = await traced();
  const { programs, cluster } = world;
  const agent = await programs.addAgent("edge");
  const stackId = await programs.addStack("web", [agent]);
  cluster.fault({ method: "PATCH", name: "settings" }, { status: 403, times: Infinity });
  await programs.startAgent(agent);

  await programs.submit(stackId, configMapYaml("settings", "1"), TRACEPARENT.replace(/01$/, "00"));
  const event = await eventually("it has failed", async () => (await programs.events(agent)).at(-1));

  const reported = async () => {
    const spans = await world.spansOf.agent();
    const sents = spans.filter(({ name }) => name === SEND_REPORT);
    const reports = (await world.spansOf.broker()).filter(({ name }) => name === REPORT);
    const isOfSent = ({ parentId }: ReceivedSpan) => sents.some(({ spanId }) => spanId === parentId);
    return reports.length > 0 && reports.every(isOfSent) && spans;
  };
  const spans = await eventually("every report that the broker has heard is one that was sent", reported);
  const [turn = assert.fail("no turn")] = spans.filter(({ name }) => name === "apply stack"); // others are retries
  assert.deepEqual([turn.parentId, turn.status, turn.attributes["error.type"]], ["", "error", "refused"]);
  assert.deepEqual(turn.links, [`${CLIENT.traceId}-${CLIENT.spanId}`]);
  assert.equal(event.trace_id, turn.traceId);
  const tried = spans.filter(({ parentId, kind }) => parentId === turn.spanId && kind === "client");
  assert.ok(tried.some(({ name }) => name === SEND_REPORT));
  for (const span of tried) {
    if (span.name !== SEND_REPORT) mustFollow(span, turn, { isInside: true });
  }
});

longTest(
  "of 150 agents of one submission the turns of 100 are part of its trace, and those of 50 name it",
  async () => {
    await using world = await traced({ agent: { ratio: 1 } });
    const { programs } = world;
    const agents = [];
    for (let count = 0; count < MANY; count += 1) agents.push(await programs.addAgent(`edge-${count}`));
    const stackId = await programs.addStack("web", agents);

    await programs.submit(stackId, configMapYaml("settings", "1"), TRACEPARENT);
    await Promise.all(agents.map((agent) => programs.startAgent(agent, { "agent.push": "false" })));
    const turns = await eventually("every agent has had its turn", async () => {
      const spans = await world.spansOf.agent();
      const all = spans.filter(({ name, attributes }) =>
        name === "apply stack" && attributes["brokkr.turn.cause"] === "submission"
      );
      return all.length === MANY && all;
    });

    const submit = one(await world.spansOf.broker(), SUBMIT);
    const [joined, own] = [true, false].map((is) => turns.filter(({ traceId }) => (traceId === CLIENT.traceId) === is));
    assert.deepEqual([joined?.length, own?.length], [100, 50]);
    assert.ok(joined?.every(({ parentId, links }) => parentId === submit.spanId && links.length === 0));
    assert.ok(
      own?.every(({ parentId, links }) => parentId === "" && links[0] === `${CLIENT.traceId}-${submit.spanId}`),
    );
    const waits = (await world.spansOf.broker()).filter(({ name }) => name === "delivery wait");
    assert.equal(waits.length, 100);
    const polls = (await world.spansOf.agent()).filter(({ name }) => name === POLL);
    assert.deepEqual([polls.length, new Set(polls.map(({ parentId }) => parentId))], [100, new Set([submit.spanId])]);
  },
);

const MANY = 150;

/** Every way to have a stack removed from an agent: what is asked, and the request as its span names it. */
const REMOVALS: Readonly<Record<string, (ids: Readonly<Record<"stackId" | "agentId", string>>) => RemovalAsked>> = {
  "deletion": ({ stackId }) => ({ what: `DELETE /stacks/${stackId}`, span: "DELETE /api/v1/stacks/:id" }),
  "target": ({ stackId, agentId }) => ({
    what: `DELETE /agents/${agentId}/targets/${stackId}`,
    span: "DELETE /api/v1/agents/:id/targets/:stack_id",
  }),
  "marker": ({ stackId }) => ({
    what: `POST /stacks/${stackId}/deployment-objects`,
    span: SUBMIT,
    body: { yaml_content: "", is_deletion_marker: true },
  }),
};

interface RemovalAsked {
  readonly what: string;
  readonly span: string;
  readonly body?: object;
}

longTest("a removal is part of the trace of the request that asked for it, however that was", async () => {
  await using world = await traced();
  const { programs } = world;
  const agent = await programs.addAgent("edge");
  await programs.startAgent(agent);
  for (const [at, [how, asking]] of Object.entries(REMOVALS).entries()) {
    const stackId = await programs.addStack(how, [agent]);
    const asked = asking({ stackId, agentId: agent.id });
    const traceId = `${at + 1}`.padStart(32, "a");
    const spans = async () => (await world.spans()).filter((span) => span.traceId === traceId);
    const object = await programs.submit(stackId, configMapYaml(how, "1"));
    const isReported = async () =>
      (await programs.events(agent)).some(({ deployment_object_id: id }) => id === object.id);
    await eventually(`${how}: it is applied`, isReported);

    const trace = { traceparent: `00-${traceId}-${CLIENT.spanId}-01`, tracestate: STATE };
    await programs.ask(asked.what, trace, asked.body);
    const all = await eventually(`${how}: it is removed`, async () => {
      const now = await spans();
      return now.some(({ name }) => name === REPORT) && now;
    });

    const [server, turn] = [one(all, asked.span), one(all, "remove stack")];
    assert.equal(server.parentId, CLIENT.spanId, how);
    for (const span of [one(all, POLL), turn]) mustFollow(span, server, { isInside: false });
    mustFollow(one(all, "settle"), server, { isInside: true });
    const sents = all.filter(({ name }) => name === SEND_REPORT);
    for (const sent of sents) mustFollow(sent, turn, { isInside: false });
    const ids = new Set(sents.map(({ spanId }) => spanId));
    assert.ok(all.filter(({ name }) => name === REPORT).every(({ parentId }) => ids.has(parentId)), how);
    assert.ok(within(all, turn).some((name) => name === `DELETE ${CONFIG_MAPS}/{name}`), how);
    assert.equal(turn.attributes["brokkr.stack.name"], how);
    for (const { name, traceState } of [server, one(all, POLL), turn, ...sents]) assert.equal(traceState, STATE, name);
  }
});

longTest("a removal by a client whose trace is not sampled names that trace, and no span is in it", async () => {
  await using world = await traced({ agent: { ratio: 1 } });
  const { programs } = world;
  const agent = await programs.addAgent("edge");
  const stackId = await programs.addStack("web", [agent]);
  await programs.startAgent(agent);
  await programs.submit(stackId, configMapYaml("settings", "1"));
  await eventually("it is applied", async () => (await programs.events(agent))[0]);

  await programs.ask(`DELETE /stacks/${stackId}`, { traceparent: TRACEPARENT.replace(/01$/, "00"), tracestate: STATE });
  const [turn] = await eventually(
    "it is removed",
    async () => some((await world.spansOf.agent()).filter(({ name }) => name === "remove stack")),
  );

  assert.deepEqual([turn?.parentId, turn?.links], ["", [`${CLIENT.traceId}-${CLIENT.spanId}`]]);
  assert.ok((await world.spans()).every(({ traceId }) => traceId !== CLIENT.traceId));
});

function some<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length > 0 ? items : undefined;
}
