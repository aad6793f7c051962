import assert from "node:assert/strict";
import { embeddedDatabase } from "../../tests/fakes/databases.ts";
import { nameOf, pathOf } from "../../tests/fakes/api_paths.ts";
import { apiOver, buildWorld, CONFIG_MAP, undone, type World } from "../../tests/fakes/api_world.ts";
import { openStore } from "../store/open.ts";
import type { Endpoint } from "./endpoint.ts";
import { ENDPOINTS } from "./endpoints.ts";

const COLUMNS = ["agent", "otherAgent", "generator", "otherGenerator", "admin"] as const;

/**
 * What each key gets: a status, or the code of a refusal. The agent is associated with the stack of the generator; the
 * other agent and the other generator have nothing to do with either.
 */
const MATRIX: Readonly<Record<string, readonly [string, string, string, string, string]>> = {
  "post /auth/pak": ["200", "200", "200", "200", "200"],
  "post /admin/rotate-pak": onlyAdmin("200"),
  "get /paks": onlyAdmin("200"),
  "get /generators": onlyAdmin("200"),
  "post /generators": onlyAdmin("201"),
  "get /generators/{id}": ofGenerator("200"),
  "put /generators/{id}": ofGenerator("200"),
  "delete /generators/{id}": ofGenerator("204"),
  "post /generators/{id}/rotate-pak": ofGenerator("201"),
  "get /generators/{id}/registered-agents": ofGenerator("200"),
  "post /generators/{id}/register": ["already_registered", "201", "forbidden", "forbidden", "missing_agent_id"],
  "delete /generators/{id}/register": ["204", "agent_not_registered", "forbidden", "forbidden", "missing_agent_id"],
  "get /agents": ["forbidden", "forbidden", "200", "200", "200"],
  "post /agents": onlyAdmin("201"),
  "get /agents/": ofAgent("200"),
  "get /agents/{id}": ofAgent("200"),
  "put /agents/{id}": ofAgent("200"),
  "delete /agents/{id}": onlyAdmin("204"),
  "post /agents/{id}/rotate-pak": ofAgent("200"),
  "post /agents/{id}/heartbeat": onlyItself("204"),
  "get /agents/{id}/changes": onlyItself("200"),
  "post /agents/{id}/otlp/v1/metrics": onlyItself("telemetry_unavailable"),
  "post /agents/{id}/otlp/v1/traces": onlyItself("telemetry_unavailable"),
  "post /agents/{id}/otlp/v1/logs": onlyItself("telemetry_unavailable"),
  "get /agents/{id}/labels": ofAgent("200"),
  "post /agents/{id}/labels": onlyAdmin("201"),
  "delete /agents/{id}/labels/{label}": onlyAdmin("204"),
  "get /agents/{id}/annotations": ofAgent("200"),
  "post /agents/{id}/annotations": onlyAdmin("201"),
  "delete /agents/{id}/annotations/{key}": onlyAdmin("204"),
  "get /agents/{id}/targets": ofAgent("200"),
  "post /agents/{id}/targets": [
    "target_create_denied",
    "target_create_denied",
    "unique_violation",
    "target_generator_mismatch",
    "unique_violation",
  ],
  "delete /agents/{id}/targets/{stack_id}": ["forbidden", "forbidden", "204", "target_generator_mismatch", "204"],
  "get /agents/{id}/registrations": ofAgent("200"),
  "get /agents/{id}/snapshot": ofAgent("200"),
  "get /agents/{id}/target-state": ofAgent("200"),
  "get /agents/{id}/stacks": ofAgent("200"),
  "post /agents/{id}/approve-prune": onlyAdmin("nothing_held"),
  "get /agents/{id}/events": ofAgent("200"),
  "post /agents/{id}/events": ofAgent("201"),
  "get /agent-events": onlyAdmin("200"),
  "get /agent-events/{id}": onlyAdmin("200"),
  "get /stacks": ["stacks_list_denied", "stacks_list_denied", "200", "200", "200"],
  "post /stacks": ["stack_create_denied", "stack_create_denied", "201", "stack_generator_mismatch", "201"],
  "get /stacks/{id}": ofStack("200"),
  "put /stacks/{id}": ofStack("200"),
  "delete /stacks/{id}": ofStack("204"),
  "get /stacks/{id}/labels": ["200", "stack_not_accessible", "200", "stack_not_owned", "200"],
  "post /stacks/{id}/labels": ofStack("201"),
  "delete /stacks/{id}/labels/{label}": ofStack("204"),
  "get /stacks/{id}/annotations": ["200", "stack_not_accessible", "200", "stack_not_owned", "200"],
  "post /stacks/{id}/annotations": ofStack("201"),
  "delete /stacks/{id}/annotations/{key}": ofStack("204"),
  "get /stacks/{id}/deployment-objects": ofStack("200"),
  "post /stacks/{id}/deployment-objects": ofStack("201"),
  "get /deliveries": ["200", "200", "200", "200", "200"],
  "get /agents/{id}/deliveries": ["200", "agent_pak_mismatch", "200", "200", "200"],
  "get /stacks/{id}/deliveries": ["200", "200", "200", "stack_not_owned", "200"],
  "get /deliveries/{agent_id}/{stack_id}": ["200", "agent_pak_mismatch", "200", "stack_not_owned", "200"],
  "get /stacks/{id}/causes": ofStack("200"),
  "get /stacks/{id}/history": ofStack("200"),
  "post /stacks/{id}/rollback": ofStack("201"),
  "get /stacks/{id}/health": onlyAdmin("200"),
  "get /deployment-objects/{id}/health": onlyAdmin("200"),
  "get /fleet": onlyAdmin("200"),
  "get /agents/{id}/fleet-status": onlyAdmin("200"),
  "patch /agents/{id}/health-status": [
    "200",
    "agent_pak_mismatch",
    "agent_pak_required",
    "agent_pak_required",
    "agent_pak_required",
  ],
  "get /deployment-objects/{id}": ["200", "agent_not_associated", "200", "generator_not_associated", "200"],
};

type Row = readonly [string, string, string, string, string];

function onlyAdmin(result: string): Row {
  return ["admin_required", "admin_required", "admin_required", "admin_required", result];
}

function ofAgent(result: string): Row {
  return [result, "agent_pak_mismatch", "forbidden", "forbidden", result];
}

function ofGenerator(result: string): Row {
  return ["forbidden", "forbidden", result, "generator_not_owned", result];
}

function onlyItself(result: string): Row {
  return [result, "agent_pak_mismatch", "agent_pak_required", "agent_pak_required", "agent_pak_required"];
}

function ofStack(result: string): Row {
  return ["forbidden", "forbidden", result, "stack_not_owned", result];
}

function bodyOf(endpoint: Endpoint, { agentId, generatorId, stackId, objectId, sequenceId }: World): unknown {
  const bodies: Record<string, unknown> = {
    "post /generators": { name: "new" },
    "put /generators/{id}": { name: "renamed" },
    "post /admin/rotate-pak": undefined,
    "post /agents/{id}/rotate-pak": {},
    "post /generators/{id}/rotate-pak": { revoke: true },
    "post /generators/{id}/register": undefined,
    "delete /generators/{id}/register": undefined,
    "post /agents": { name: "new", cluster_name: "c9" },
    "put /agents/{id}": { status: "ACTIVE" },
    "post /agents/{id}/heartbeat": { k8s_reachable: true, k8s_api_latency_ms: 3 },
    "post /agents/{id}/labels": { agent_id: agentId, label: "new" },
    "post /agents/{id}/annotations": { agent_id: agentId, key: "new", value: "new" },
    "post /agents/{id}/targets": { agent_id: agentId, stack_id: stackId },
    "post /agents/{id}/approve-prune": { revision: 1 },
    "post /agents/{id}/events": { agent_id: agentId, deployment_object_id: objectId, state: "applied" },
    "patch /agents/{id}/health-status": {
      deployment_objects: [{ id: objectId, status: "failing", checked_at: "2026-01-01T00:00:00Z" }],
    },
    "post /stacks/{id}/rollback": { sequence_id: sequenceId },
    "post /stacks": { name: "new", generator_id: generatorId },
    "put /stacks/{id}": { name: "renamed" },
    "post /stacks/{id}/labels": "new",
    "post /stacks/{id}/annotations": { stack_id: stackId, key: "new", value: "new" },
    "post /stacks/{id}/deployment-objects": { yaml_content: CONFIG_MAP },
  };
  const name = nameOf(endpoint);
  assert.equal(endpoint.body === undefined, !Object.hasOwn(bodies, name), `${name} needs a body in this test`);
  return typeof bodies[name] === "string" ? JSON.stringify(bodies[name]) : bodies[name];
}

Deno.test("roles: the matrix has a row for every endpoint, and no other", () => {
  assert.deepEqual(Object.keys(MATRIX).toSorted(), ENDPOINTS.map(nameOf).toSorted());
});

Deno.test("roles: every endpoint answers each key as the matrix says, in the shape it declares", async () => {
  await using held = await embeddedDatabase();
  const store = openStore(held.database);
  const world = await buildWorld(store);
  const found: Record<string, unknown> = {};

  for (const endpoint of ENDPOINTS) {
    const row: string[] = [];
    const asking = { method: endpoint.method.toUpperCase(), path: pathOf(endpoint, world) };
    for (const column of COLUMNS) {
      await undone(store, async (inside) => {
        const body = bodyOf(endpoint, world);
        const answer = await apiOver(inside)({ ...asking, key: world.keys[column], body });
        row.push(answer.status < 400 ? String(answer.status) : (answer.body as { code: string }).code);
        assertShape(endpoint, answer);
      });
    }
    found[nameOf(endpoint)] = row;
  }

  assert.deepEqual(found, MATRIX);
});

function assertShape(endpoint: Endpoint, { status, body }: { readonly status: number; readonly body: unknown }): void {
  if (status >= 400) return;
  const shape = endpoint.answers[status as 200 | 201 | 204];
  assert.ok(shape, `${nameOf(endpoint)} answers ${status}, which it does not declare`);
  assert.deepEqual(shape.parse(body), body, `${nameOf(endpoint)} answers in another shape`);
}

Deno.test("roles: no endpoint answers without a key, or with a bad one", async () => {
  await using held = await embeddedDatabase();
  const store = openStore(held.database);
  const world = await buildWorld(store);
  const ask = apiOver(store);
  const bad = [undefined, "", "Bearer", "brokkr_BRxxxxxx", "brokkr_BRxxxxxx_3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"];

  for (const endpoint of ENDPOINTS) {
    for (const key of bad) {
      const answer = await ask({ method: endpoint.method.toUpperCase(), path: pathOf(endpoint, world), key });

      assert.equal(`${answer.status} ${(answer.body as { code: string }).code}`, "401 unauthorized", nameOf(endpoint));
    }
  }
});

interface Refused {
  readonly claim: string;
  readonly of: (endpoint: Endpoint) => boolean;
  readonly headers: readonly Readonly<Record<string, string>>[];
  /** The status and the code, and what the answer says of its own. */
  readonly answer: string;
  readonly said?: Readonly<Record<string, string>>;
}

const REFUSED: readonly Refused[] = [
  {
    claim: "reads a body says by name that a packed one is not taken",
    of: ({ body }) => body !== undefined,
    headers: [
      ...["gzip", "br", "identity, deflate"].map((coding) => ({ "content-encoding": coding })),
      { "transfer-encoding": "gzip, chunked" },
    ],
    answer: "415 unsupported_encoding",
    said: { "accept-encoding": "identity" },
  },
  {
    claim: "changes something does so under no condition, rather than whatever it says",
    of: ({ method }) => method !== "get",
    headers: [{ "if-match": '"of old"' }, { "if-none-match": "*" }, {
      "if-unmodified-since": new Date(0).toUTCString(),
    }],
    answer: "412 precondition_failed",
  },
];

for (const { claim, of, headers, answer, said = {} } of REFUSED) {
  Deno.test(`roles: every endpoint that ${claim}`, async () => {
    await using held = await embeddedDatabase();
    const store = openStore(held.database);
    const world = await buildWorld(store);
    const ask = apiOver(store);

    for (const endpoint of ENDPOINTS.filter(of)) {
      const column = COLUMNS.find((_, at) => /^2\d\d$/.test(MATRIX[nameOf(endpoint)]?.[at] ?? "")) ??
        endpoint.roles[0] ?? "admin";
      const asking = { method: endpoint.method.toUpperCase(), path: pathOf(endpoint, world), key: world.keys[column] };
      for (const sent of headers) {
        const found = await ask({ ...asking, body: bodyOf(endpoint, world), headers: sent });
        const { code, message } = found.body as { readonly code: string; readonly message: string };

        assert.equal(`${found.status} ${code}`, answer, nameOf(endpoint));
        for (const [name, value] of Object.entries(said)) assert.equal(found.headers.get(name), value);
        for (const name of Object.keys(sent)) assert.ok(message.toLowerCase().includes(name), message);
      }
    }
  });
}
