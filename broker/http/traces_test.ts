import assert from "node:assert/strict";
import type { SpanContext } from "@opentelemetry/api";
import { type LogFields, tracedLog } from "$lib/log.ts";
import { apiOver, buildWorld, CONFIG_MAP } from "../../tests/fakes/api_world.ts";
import { embeddedDatabase } from "../../tests/fakes/databases.ts";
import { recordedTracing } from "../../tests/fakes/recorded_spans.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import { openStore } from "../store/open.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = `00-${TRACE_ID}-00f067aa0ba902b7`;

Deno.test("a client's traceparent goes on to agents as one that nobody records here; what is none goes nowhere", async () => {
  await using held = await embeddedDatabase();
  const store = openStore(held.database);
  const { keys: { agent, generator }, agentId, stackId } = await buildWorld(store);
  const ask = apiOver(store);
  const shown: unknown[] = [];

  for (const traceparent of [`${SPAN}-01`, `${SPAN}-00`, "nonsense"]) {
    const body = `${CONFIG_MAP}# ${shown.length}`;
    const headers = { "content-type": "application/yaml", traceparent };
    const path = `/api/v1/stacks/${stackId}/deployment-objects`;
    assert.equal((await ask({ key: generator, path, method: "POST", headers, body })).status, 201);
    const { body: snapshot } = await ask({ key: agent, path: `/api/v1/agents/${agentId}/snapshot` });
    shown.push((snapshot as Snapshot).stacks[0]?.deployment_object?.traceparent);
  }

  assert.deepEqual(shown, [`${SPAN}-00`, `${SPAN}-00`, undefined]);
});

Deno.test("an event has the trace of its report where the agent says that it is sampled, and nobody else's", async () => {
  await using held = await embeddedDatabase();
  const store = openStore(held.database);
  const { keys, agentId, stackId } = await buildWorld(store);
  const ask = apiOver(store);
  const report = async (key: string, traceparent: string) => {
    const body = { agent_id: agentId, stack_id: stackId, state: "failed", message: `${key} ${traceparent}` };
    const path = `/api/v1/agents/${agentId}/events`;
    const { status, body: event } = await ask({ key, path, method: "POST", headers: { traceparent }, body });
    assert.equal(status, 201);
    return (event as { readonly trace_id?: string }).trace_id;
  };

  const sampled = await report(keys.agent, `${SPAN}-01`);

  assert.deepEqual(
    [
      sampled,
      await report(keys.agent, `${SPAN}-00`),
      await report(keys.agent, "x"),
      await report(keys.admin, `${SPAN}-01`),
    ],
    [TRACE_ID, undefined, undefined, undefined],
  );
  assert.equal((await store.deliveries.find(agentId, stackId))?.traceId, undefined);
});

Deno.test("a bug in a sampled request is logged with the trace and the span of the request", async () => {
  await using held = await embeddedDatabase();
  const store = openStore(held.database);
  const { keys: { generator }, stackId } = await buildWorld(store);
  const { tracing } = recordedTracing();
  const logged: LogFields[] = [];
  const log = tracedLog({ ...silentLog(), error: (_, fields = {}) => logged.push(fields) }, tracing);
  let span: SpanContext | undefined;
  const parseBundle = () => {
    span = tracing.current()?.context;
    return Promise.reject(new Error("a bug"));
  };
  const ask = apiOver(store, { tracing, log, parseBundle });

  const path = `/api/v1/stacks/${stackId}/deployment-objects`;
  const headers = { "content-type": "application/yaml", traceparent: `${SPAN}-01` };
  await ask({ key: generator, path, method: "POST", headers, body: CONFIG_MAP });

  const [fields, ...others] = logged.map(({ trace_id, span_id, trace_flags }) => [trace_id, span_id, trace_flags]);
  assert.deepEqual([fields, others], [[TRACE_ID, span?.spanId, "01"], []]);
});

interface Snapshot {
  readonly stacks: readonly { readonly deployment_object: { readonly traceparent?: string } | null }[];
}

Deno.test("what is sampled goes on to agents as the broker's own span, whatever the client's was", async () => {
  const { tracing, spans } = recordedTracing({ ratio: 1 });
  await using held = await embeddedDatabase();
  const store = openStore(held.database, { tracing });
  const { keys: { agent, generator }, agentId, stackId } = await buildWorld(store);
  const ask = apiOver(store, { tracing });
  const path = `/api/v1/stacks/${stackId}/deployment-objects`;
  const headers = { "content-type": "application/yaml", traceparent: `${SPAN}-01` };

  await ask({ key: generator, path, method: "POST", headers, body: `${CONFIG_MAP}# other` });
  const { body } = await ask({ key: agent, path: `/api/v1/agents/${agentId}/snapshot` });

  const all = await spans();
  const { deployment_object: object } = (body as Snapshot).stacks[0] ?? {};
  assert.match(object?.traceparent ?? "", new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-01$`));
  assert.notEqual(object?.traceparent, `${SPAN}-01`);
  assert.deepEqual(
    all.map(({ name, traceId, parentId }) => [name, `00-${traceId}-${parentId}-01`]),
    [["settle", object?.traceparent], ["delivery wait", object?.traceparent]],
  );
});
