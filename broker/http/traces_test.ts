import assert from "node:assert/strict";
import type { SpanContext } from "@opentelemetry/api";
import { type LogFields, tracedLog } from "$lib/log.ts";
import { apiOver, buildWorld, CONFIG_MAP, undone, type World } from "../../tests/fakes/api_world.ts";
import { embeddedDatabase } from "../../tests/fakes/databases.ts";
import { recordedTracing } from "../../tests/fakes/recorded_spans.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import type { Store } from "../store/mod.ts";
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
  readonly removals?: readonly { readonly asked_at: string }[];
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

/** Every request that takes a stack from an agent, and by what the agent has it before. */
const REMOVALS: Readonly<Record<string, (world: World) => Removal>> = {
  "of a stack": ({ stackId }) => ({ what: `DELETE /stacks/${stackId}` }),
  "of a generator": ({ generatorId }) => ({ what: `DELETE /generators/${generatorId}` }),
  "of a target": ({ agentId, stackId }) => ({ what: `DELETE /agents/${agentId}/targets/${stackId}` }),
  "of a registration": ({ generatorId, agentId }) => ({
    what: `DELETE /generators/${generatorId}/register`,
    body: { agent_id: agentId },
  }),
  "of an agent's label": ({ agentId }) => ({ what: `DELETE /agents/${agentId}/labels/blue`, by: "label" }),
  "of a stack's label": ({ stackId }) => ({ what: `DELETE /stacks/${stackId}/labels/blue`, by: "label" }),
  "of an agent's annotation": ({ agentId }) => ({
    what: `DELETE /agents/${agentId}/annotations/tier`,
    by: "annotation",
  }),
  "of a stack's annotation": ({ stackId }) => ({
    what: `DELETE /stacks/${stackId}/annotations/tier`,
    by: "annotation",
  }),
  "by a marker": ({ stackId }) => ({
    what: `POST /stacks/${stackId}/deployment-objects`,
    body: { yaml_content: "", is_deletion_marker: true },
  }),
};

interface Removal {
  readonly what: string;
  readonly body?: object;
  /** A target when left out. */
  readonly by?: "label" | "annotation";
}

/** Gives the agent its stack by something else than a target. */
async function associateBy(by: "label" | "annotation", { agentTags, targets }: Store, world: World): Promise<void> {
  const { agentId, stackId } = world;
  if (by === "label") await agentTags.addLabel(agentId, "blue");
  else await agentTags.addAnnotation(agentId, { key: "tier", value: "web" });
  await targets.remove(agentId, stackId);
}

Deno.test("a removal goes on to agents with what its client's trace is, as one that nobody records here", async () => {
  const { tracing, spans } = recordedTracing({ ratio: 1 });
  await using held = await embeddedDatabase();
  const stores = [openStore(held.database), openStore(held.database, { tracing })] as const;
  const world = await buildWorld(stores[0]);
  const { keys: { admin, agent }, agentId, stackId } = world;
  const asked = [
    { traceparent: `${SPAN}-01`, store: stores[0], options: {} },
    { traceparent: `${SPAN}-00`, store: stores[1], options: { tracing } },
  ] as const;
  for (const { traceparent, store, options } of asked) {
    for (const [how, removal] of Object.entries(REMOVALS)) {
      const { what, body, by } = removal(world);
      const [method = "", path = ""] = what.split(" ");
      await undone(store, async (inside) => {
        const ask = apiOver(inside, options);
        const removals = async () => {
          const { body } = await ask({ key: agent, path: `/api/v1/agents/${agentId}/snapshot` });
          return (body as Snapshot).removals;
        };
        if (by !== undefined) await associateBy(by, inside, world);
        assert.equal(await removals(), undefined, how);

        const headers = { "content-type": "application/json", traceparent, tracestate: "vendor=a1" };
        const { status } = await ask({ key: admin, path: `/api/v1${path}`, method, headers, body });

        const [{ asked_at: _, ...shown } = { asked_at: "" }, ...more] = await removals() ?? [];
        assert.deepEqual([status < 300, shown, more], [
          ...[true, { stack_id: stackId, traceparent: `${SPAN}-00`, tracestate: "vendor=a1" }, []],
        ], how);
      });
    }
  }
  assert.deepEqual(await spans(), []);
});
