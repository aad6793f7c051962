import assert from "node:assert/strict";
import { DeploymentObject } from "$lib/wire/stack.ts";
import { type Collector, type ReceivedSpan, startCollector } from "../collector/collector.ts";
import { configMap } from "./bundles.ts";
import { story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT_SPAN = "00f067aa0ba902b7";
const SUBMIT = "POST /api/v1/stacks/:id/deployment-objects";
const REPORT = "POST /api/v1/agents/:id/events";
const POLL = "GET /api/v1/agents/{id}/snapshot";
const SEND_REPORT = "POST /api/v1/agents/{id}/events";

story(
  "32: one trace, from a client's submission through both programs to the API server's storage, and back with the report",
  [["postgres", "nodes", "collector"]],
  async (parts) => {
    await using collector = await startCollector();
    const settings = { OTLP__TRACES_ENDPOINT: `${collector.url}/v1/traces` };
    await using world = await openWorld({
      parts,
      controlPlane: { tracesTo: collector.grpcAddress },
      brokerSettings: settings,
      agentSettings: settings,
    });
    const stackId = await world.addStack("web");

    const object = await submitIn(world, stackId, configMap("settings", { value: VALUE }));
    await world.untilApplied(object);
    const trace = await eventually("the whole trace is there", () => wholeTrace(collector));

    mustBeOneTree(trace);
    mustBeDelivered(trace, { agentId: world.agentId, stackId, objectId: object.id });
    mustReachStorage(trace);
    mustHideSecrets(trace, [world.generatorPak, world.agentPak, world.adminPak, VALUE]);
    const [event] = await world.events(object.id);
    assert.equal(event?.trace_id, TRACE_ID);
  },
);

/** What stands in the manifest, and nowhere else. */
const VALUE = "what-nobody-else-says";

/**
 * Every span's parent is there, but the client's; whoever asks another waits for it, and only what follows goes on
 * later.
 */
function mustBeOneTree(trace: readonly ReceivedSpan[]): void {
  const byId = new Map(trace.map((span) => [span.spanId, span]));
  const later = new Set(["apply stack", "delivery wait", POLL, SEND_REPORT]);
  for (const span of trace) {
    const parent = byId.get(span.parentSpanId);
    assert.ok(parent !== undefined || span.parentSpanId === CLIENT_SPAN, `${span.name} has no parent`);
    if (parent === undefined) continue;
    assert.ok(span.startNanos >= parent.startNanos, `${span.name} begins before ${parent.name}`);
    const isServed = span.kind === "server"; // whose client may have the answer before it has ended
    if (!later.has(span.name) && !isServed) {
      assert.ok(span.endNanos <= parent.endNanos, `${span.name} ends after ${parent.name}`);
    }
  }
}

function mustBeDelivered(
  trace: readonly ReceivedSpan[],
  { agentId, stackId, objectId }: Readonly<Record<"agentId" | "stackId" | "objectId", string>>,
): void {
  const [submit, settle, wait] = [oneOf(trace, SUBMIT), oneOf(trace, "settle"), oneOf(trace, "delivery wait")];
  const turn = oneOf(trace, "apply stack");
  const [sents, reports] = [SEND_REPORT, REPORT].map((name) => trace.filter((span) => span.name === name));
  const [[sent] = [], [report] = []] = [sents, reports]; // a turn that takes long says besides that it applies
  assert.ok(sent && report);
  assert.equal(submit.parentSpanId, CLIENT_SPAN);
  for (const span of [settle, wait, turn, oneOf(trace, POLL)]) {
    assert.equal(span.parentSpanId, submit.spanId, span.name);
  }
  assert.deepEqual(new Set(sents?.map(({ parentSpanId }) => parentSpanId)), new Set([turn.spanId]));
  const [ids, parentIds] = [sents?.map(({ spanId }) => spanId), reports?.map(({ parentSpanId }) => parentSpanId)];
  assert.deepEqual(parentIds?.toSorted(), ids?.toSorted());
  const made = [submit, settle, wait, turn, sent, report].map(({ kind, resource }) => [kind, resource["service.name"]]);
  assert.deepEqual(made, [
    ["server", "brokkr-broker"],
    ["internal", "brokkr-broker"],
    ["internal", "brokkr-broker"],
    ["internal", "brokkr-agent"],
    ["client", "brokkr-agent"],
    ["server", "brokkr-broker"],
  ]);
  assert.ok(turn.startNanos >= wait.endNanos, "an agent begins once it is told");
  assert.partialDeepStrictEqual(turn.attributes, {
    "brokkr.agent.id": agentId,
    "brokkr.stack.id": stackId,
    "brokkr.stack.name": "web",
    "brokkr.deployment_object.id": objectId,
    "brokkr.turn.cause": "submission",
    "brokkr.turn.result": "applied",
  });
  assert.equal(wait.attributes["brokkr.agent.id"], agentId);
  const names = trace.filter(({ parentSpanId }) => parentSpanId === submit.spanId).map(({ name }) => name);
  for (const name of ["INSERT deployment_objects", "INSERT settle_lines", "COMMIT"]) assert.ok(names.includes(name));
  for (const { name, attributes } of trace.filter(({ attributes }) => "db.system.name" in attributes)) {
    assert.ok(attributes["server.address"], name);
    assert.match(String(attributes["db.namespace"]), /^\w+\|public$/, name);
  }
}

/** Each write is one request to the API server, and goes down to its storage. */
function mustReachStorage(trace: readonly ReceivedSpan[]): void {
  const turn = oneOf(trace, "apply stack");
  const ofTurn = trace.filter(({ parentSpanId, name }) => parentSpanId === turn.spanId && name !== SEND_REPORT);
  assert.deepEqual(ofTurn.map(({ name, kind }) => `${kind} ${name}`), [
    "client POST /api/v1/namespaces/{namespace}/configmaps", // the record comes before what it is about
    "client PATCH /api/v1/namespaces/{namespace}/configmaps/{name}",
    "client PATCH /api/v1/namespaces/{namespace}/configmaps/{name}",
  ]);
  assert.ok(ofTurn.some(({ attributes }) => attributes["brokkr.object.name"] === "settings"));
  for (const write of ofTurn) {
    const [served, ...more] = trace.filter(({ parentSpanId }) => parentSpanId === write.spanId);
    assert.deepEqual([served?.resource["service.name"], served?.kind, more.length], ["apiserver", "server", 0]);
    assert.ok(below(trace, served).some(({ name }) => name === "etcdserverpb.KV/Txn"), write.name);
    assert.equal(write.attributes["k8s.namespace.name"], "default");
  }
}

function below(trace: readonly ReceivedSpan[], span: ReceivedSpan | undefined): readonly ReceivedSpan[] {
  const children = trace.filter(({ parentSpanId }) => parentSpanId === span?.spanId);
  return [...children, ...children.flatMap((child) => below(trace, child))];
}

/** The API server's own spans say what it was asked, the query too: those are its. */
function mustHideSecrets(trace: readonly ReceivedSpan[], secrets: readonly string[]): void {
  const own = trace.filter(({ resource }) => resource["service.name"] !== "apiserver");
  const texts = own.map(({ name, attributes, statusMessage }) => JSON.stringify([name, attributes, statusMessage]));
  for (const secret of secrets) assert.deepEqual(texts.filter((text) => text.includes(secret)), [], secret);
  const paths = own.flatMap(({ name, attributes }) => [name, attributes["url.path"], attributes["url.full"]]);
  assert.deepEqual(paths.filter((path) => String(path).includes("?")), []);
}

async function submitIn(world: World, stackId: string, bundle: string): Promise<DeploymentObject> {
  const answer = await fetch(`${world.broker.url}/api/v1/stacks/${stackId}/deployment-objects`, {
    method: "POST",
    headers: {
      authorization: world.generatorPak,
      "content-type": "application/yaml",
      traceparent: `00-${TRACE_ID}-${CLIENT_SPAN}-01`,
    },
    body: bundle,
  });
  return DeploymentObject.parse(await answer.json());
}

/** The trace once what each of the three sends of it last has come, and whatever that is part of. */
async function wholeTrace(collector: Collector): Promise<readonly ReceivedSpan[] | undefined> {
  const spans = (await collector.spans()).filter(({ traceId }) => traceId === TRACE_ID);
  const services = new Set(spans.map(({ resource }) => resource["service.name"]));
  const counts = Map.groupBy(spans, ({ name }) => name);
  const isWhole = [SUBMIT, "apply stack", SEND_REPORT, REPORT].every((name) => counts.has(name)) &&
    counts.get(SEND_REPORT)?.length === counts.get(REPORT)?.length;
  const ids = new Set([CLIENT_SPAN, ...spans.map(({ spanId }) => spanId)]);
  return isWhole && services.size === 3 && spans.every(({ parentSpanId }) => ids.has(parentSpanId)) ? spans : undefined;
}

function oneOf(spans: readonly ReceivedSpan[], name: string): ReceivedSpan {
  const [found, ...more] = spans.filter((span) => span.name === name);
  assert.ok(found, `no span "${name}"`);
  assert.deepEqual(more, []);
  return found;
}
