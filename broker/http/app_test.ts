import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import type { Log } from "$lib/log.ts";
import {
  type ApiAnswer,
  apiOver,
  type Asking,
  buildWorld,
  CONFIG_MAP,
  undone,
  type World,
} from "../../tests/fakes/api_world.ts";
import { embeddedDatabase } from "../../tests/fakes/databases.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import type { Store } from "../store/mod.ts";
import { openStore } from "../store/open.ts";
import type { AppParts } from "./app.ts";
import { bodyBounds } from "./body.ts";

interface Fixture {
  readonly store: Store;
  readonly world: World;
  /** Asks with the admin's key unless another is given. */
  ask(asking: Asking): Promise<ApiAnswer>;
}

/** One database for this file; what a step writes is undone. */
Deno.test("the API", async (t) => {
  await using held = await embeddedDatabase();
  const kept = openStore(held.database);
  const world = await buildWorld(kept);
  for (const [claim, check, options] of CLAIMS) {
    await t.step(claim, () =>
      undone(kept, async (store) => {
        const ask = apiOver(store, options);
        await check({ store, world, ask: (asking) => ask({ key: world.keys.admin, ...asking }) });
      }));
  }
});

type Claim = readonly [claim: string, check: (fixture: Fixture) => Promise<void>, options?: Partial<AppParts>];

const API = "/api/v1";

const CLAIMS: readonly Claim[] = [
  ["answers an unknown path with 404 not_found, without a key too", async ({ ask }) => {
    for (const path of ["/api", `${API}/nothing`, `${API}/stacks/`, "/nothing"]) {
      const answer = await ask({ path, key: undefined });

      assertProblem(answer, 404, "not_found");
      assert.equal(answer.endpoint, "unmatched");
    }
  }],
  ["answers a wrong method with 405 and Allow, under the path's template", async ({ ask, world }) => {
    const answer = await ask({ method: "PATCH", path: `${API}/stacks/${world.stackId}` });

    assertProblem(answer, 405, "method_not_allowed");
    assert.equal(answer.headers.get("allow"), "GET, HEAD, PUT, DELETE");
    assert.equal(answer.endpoint, "/api/v1/stacks/:id");
  }],
  ["answers HEAD as GET; the listener keeps the body back, and says its length", async ({ ask, world }) => {
    const path = `${API}/stacks/${world.stackId}`;
    const [get, head] = [await ask({ path }), await ask({ path, method: "HEAD" })];

    assert.deepEqual([head.status, head.text], [200, get.text]);
    assert.equal(head.headers.get("etag"), get.headers.get("etag"));
    assert.equal(head.endpoint, "/api/v1/stacks/:id");
  }],
  ["takes no HEAD of an agent's own key for a delivery", async ({ ask, world, store }) => {
    const { agentId, stackId, keys } = world;
    const object = `${API}/stacks/${stackId}/deployment-objects`;
    await ask({ method: "POST", path: object, body: { yaml_content: CONFIG_MAP.replace("settings", "others") } });
    const delivered = async () => (await store.deliveries.find(agentId, stackId))?.deliveredAt !== undefined;

    for (const path of [`${API}/agents/${agentId}/snapshot`, `${API}/agents/${agentId}/target-state`]) {
      assert.equal((await ask({ method: "HEAD", path, key: keys.agent })).status, 200);
      assert.equal(await delivered(), false, path);
    }
    await ask({ path: `${API}/agents/${agentId}/snapshot`, key: keys.agent });
    assert.equal(await delivered(), true);
  }],
  ["says with 304 how long an object may be kept, as with 200", async ({ ask, world }) => {
    const path = `${API}/deployment-objects/${world.objectId}`;
    const whole = await ask({ path });
    const same = await ask({ path, headers: { "if-none-match": whole.headers.get("etag") ?? "" } });

    assert.deepEqual([whole.status, same.status, same.headers.get("content-type")], [200, 304, null]);
    for (const name of ["cache-control", "vary", "etag"]) {
      assert.equal(same.headers.get(name), whole.headers.get(name), name);
    }
  }],
  ["ends a registration with a generator that was deleted, and knows no other", async ({ ask, world }) => {
    const { generatorId, agentId, keys } = world;
    const end = (id: string) => ask({ method: "DELETE", path: `${API}/generators/${id}/register`, key: keys.agent });
    await ask({ method: "DELETE", path: `${API}/generators/${generatorId}` });

    assert.equal((await end(generatorId)).status, 204);
    assertProblem(await end(generatorId), 403, "agent_not_registered");
    assertProblem(await end(agentId), 404, "generator_not_found");
  }],
  ["takes a key bare or as Bearer, whatever the word's case", async ({ ask, world }) => {
    for (const key of [world.keys.agent, `Bearer ${world.keys.agent}`, `bearer ${world.keys.agent}`]) {
      const answer = await ask({ method: "POST", path: `${API}/auth/pak`, key });

      assert.deepEqual(answer.body, { admin: false, agent: world.agentId, generator: null, readonly: false });
    }
  }],
  ["knows a UUID in upper case for the same", async ({ ask, world: { agentId, generatorId, stackId, keys } }) => {
    const [agent, generator, stack] = [agentId, generatorId, stackId].map((id) => id.toUpperCase());
    const made = await ask({
      ...{ method: "POST", path: `${API}/agents` },
      body: { name: "new", cluster_name: "c", generator_ids: [generator] },
    });
    const own = await ask({ path: `${API}/agents/${agent}`, key: keys.agent });
    const changed = await ask({
      ...{ method: "PUT", path: `${API}/stacks/${stackId}`, key: keys.generator },
      body: { id: stack, name: "web", generator_id: generator },
    });

    assert.deepEqual([made.status, own.status, changed.status], [201, 200, 200]);
  }],
  ["refuses the key of an inactive generator with 403 forbidden", async ({ ask, world }) => {
    const path = `${API}/generators/${world.generatorId}`;
    await ask({ method: "PUT", path, body: { name: "shop", is_active: false } });

    assertProblem(await ask({ path, key: world.keys.generator }), 403, "forbidden");
  }],
  ["gives every answer an id, the client's own where it is harmless", async ({ ask }) => {
    const ids = ["abc-123", "a\tb", "x".repeat(200)];
    const answers = await Promise.all(
      ids.map((id) => ask({ path: `${API}/nothing`, headers: { "x-request-id": id } })),
    );

    const [own, ...others] = answers.map(({ headers }) => headers.get("x-request-id"));
    assert.equal(own, "abc-123");
    for (const other of others) assert.match(other ?? "", /^[0-9a-f-]{36}$/);
  }],
  ["names every fault of a body with its path", async ({ ask }) => {
    const body = { name: "", cluster_name: 3, generator_ids: ["no"] };
    const answer = await ask({ method: "POST", path: `${API}/agents`, body });

    assertProblem(answer, 422, "invalid_request_body");
    assert.deepEqual(faultPaths(answer), ["name", "cluster_name", "generator_ids.0"]);
  }],
  ["answers what is no JSON with 422, where it stops, and without quoting it", async ({ ask }) => {
    for (const text of ['{"name": "s3cret" x', "{", "", "nul", '"\ud800'.slice(0, 1)]) {
      const answer = await ask({ method: "POST", path: `${API}/agents`, body: text });

      assertProblem(answer, 422, "invalid_request_body");
      assert.ok(!answer.text.includes("s3cret"));
    }
  }],
  ["answers bytes that are no UTF-8, and NUL characters, with 4xx", async ({ ask }) => {
    const path = `${API}/agents`;
    for (const body of ['{"name":"a\\u0000b","cluster_name":"c"}', '{"name":"a\0b","cluster_name":"c"}']) {
      assertProblem(await ask({ method: "POST", path, body }), 422, "invalid_request_body");
    }
    assertProblem(await ask({ path: `${path}/?name=a%00&cluster_name=c` }), 400, "invalid_parameters");
  }],
  ["answers over-long names with 422", async ({ ask }) => {
    const body = { name: "x".repeat(256), cluster_name: "c" };

    assertProblem(await ask({ method: "POST", path: `${API}/agents`, body }), 422, "invalid_request_body");
  }],
  ["answers bad labels and annotations with their own codes", async ({ ask, world: { agentId, stackId } }) => {
    for (const text of ["", "a b", "x".repeat(65)]) {
      const label = { agent_id: agentId, label: text };
      const annotation = { stack_id: stackId, key: "ok", value: text };

      const onAgent = await ask({ method: "POST", path: `${API}/agents/${agentId}/labels`, body: label });
      assertProblem(onAgent, 400, "invalid_label");
      const body = JSON.stringify(text);
      assertProblem(await ask({ method: "POST", path: `${API}/stacks/${stackId}/labels`, body }), 400, "invalid_label");
      const onStack = await ask({ method: "POST", path: `${API}/stacks/${stackId}/annotations`, body: annotation });
      assertProblem(onStack, 400, "invalid_annotation");
    }
    const shapeless = await ask({ method: "POST", path: `${API}/agents/${agentId}/labels`, body: { label: "x" } });
    assertProblem(shapeless, 422, "invalid_request_body");
  }],
  ["answers another id in the body than in the path with 400", async ({ ask, world }) => {
    const { agentId, otherAgentId, stackId } = world;
    const label = { agent_id: otherAgentId, label: "x" };
    const annotation = { stack_id: agentId, key: "a", value: "b" };

    const onAgent = await ask({ method: "POST", path: `${API}/agents/${agentId}/labels`, body: label });
    assertProblem(onAgent, 400, "agent_id_mismatch");
    const onStack = await ask({ method: "POST", path: `${API}/stacks/${stackId}/annotations`, body: annotation });
    assertProblem(onStack, 400, "stack_id_mismatch");
  }],
  ["refuses fields of an agent that cannot be changed, and other statuses", async ({ ask, world }) => {
    const path = `${API}/agents/${world.agentId}`;

    const unknown = await ask({ method: "PUT", path, body: { status: "ACTIVE", revision: 3 } });
    assertProblem(unknown, 422, "unsupported_field");
    const wrong = await ask({ method: "PUT", path, body: { status: "SLEEPING" } });
    assertProblem(wrong, 422, "invalid_request_body");
    const renamed = await ask({ method: "PUT", path, body: { name: "x" }, key: world.keys.agent });
    assertProblem(renamed, 403, "forbidden");
  }],
  ["keeps a stack's generator", async ({ ask, world }) => {
    const path = `${API}/stacks/${world.stackId}`;
    const body = { name: "web", generator_id: world.otherGeneratorId };

    assertProblem(await ask({ method: "PUT", path, body }), 400, "invalid_generator_id");
  }],
  ["answers a path that holds no id with 400 invalid_parameters", async ({ ask }) => {
    const answer = await ask({ path: `${API}/stacks/17` });

    assertProblem(answer, 400, "invalid_parameters");
    assert.deepEqual(faultPaths(answer), ["id"]);
  }],
  ["answers cursors and limits that no page gave with 400", async ({ ask }) => {
    const crafted = btoa("9999-99-99T99:99:99Z|00000000-0000-0000-0000-000000000000").replaceAll("=", "");
    for (const query of ["limit=0", "limit=1001", "limit=x", "limit=", "cursor=x", `cursor=${crafted}`]) {
      assertProblem(await ask({ path: `${API}/stacks?${query}` }), 400, "invalid_parameters");
    }
  }],
  [
    "refuses a parameter of a query that is given twice, and reads past those that it does not know",
    async ({ ask }) => {
      const twice = await ask({ path: `${API}/stacks?limit=1&name=a&limit=2&name=a` });

      assertProblem(twice, 400, "invalid_parameters");
      assert.deepEqual(faultPaths(twice).toSorted(), ["limit", "name"]);
      assert.equal((await ask({ path: `${API}/stacks?limit=1&other=a&other=b` })).status, 200);
    },
  ],
  ["answers a time that no calendar has with 400 or 422", async ({ ask, world: { agentId, stackId } }) => {
    const path = `${API}/agents/${agentId}/events`;
    const report = { agent_id: agentId, stack_id: stackId, state: "failed" };
    const asked = (next_retry_at: string) => ask({ method: "POST", path, body: { ...report, next_retry_at } });

    assertProblem(await asked("2026-02-30T00:00:00Z"), 422, "invalid_request_body");
    assertProblem(await asked("0000-01-01T00:00:00Z"), 400, "invalid_parameters");
  }],
  ["takes a body of exactly the limit and refuses one byte more", async ({ ask, world }) => {
    const path = `${API}/stacks/${world.stackId}/deployment-objects`;
    const padded = (bytes: number) => CONFIG_MAP + "#".repeat(bytes - CONFIG_MAP.length);
    const headers = { "content-type": "application/yaml" };

    assert.equal((await ask({ method: "POST", path, headers, body: padded(1_024) })).status, 201);
    assertProblem(await ask({ method: "POST", path, headers, body: padded(1_025) }), 413, "too_large");
  }, { bounds: bodyBounds({ maxBytes: 1_024, clock: new ManualClock() }) }],
  ["walks a list by Link, each item once", async ({ ask, world }) => {
    const { generatorId } = world;
    for (const name of ["s1", "s2", "s3", "s4"]) {
      await ask({ method: "POST", path: `${API}/stacks`, body: { name, generator_id: generatorId } });
    }
    const whole = await ask({ path: `${API}/stacks` });

    const walked: unknown[] = [];
    let next: string | undefined = `${API}/stacks?limit=2`;
    for (let pages = 0; next !== undefined && pages < 10; pages += 1) {
      const page = await ask({ path: next });
      walked.push(...page.body as unknown[]);
      const link = /^<(.+)>; rel="next"$/.exec(page.headers.get("link") ?? "")?.[1];
      if (link !== undefined) assert.match(link, /^\?/, "true behind a proxy that takes a prefix away");
      next = link && `${API}/stacks${link}`;
    }

    assert.equal(walked.length, 5);
    assert.deepEqual(walked, whole.body);
    assert.equal(whole.headers.get("link"), null);
  }],
  ["answers 304 to a client that has the same stack, and 200 once it changed", async ({ ask, world }) => {
    const path = `${API}/stacks/${world.stackId}`;
    const etag = (await ask({ path })).headers.get("etag") ?? "";
    const headers = { "if-none-match": `"other", W/${etag}` };

    const same = await ask({ path, headers });
    await ask({ method: "PUT", path, body: { name: "web", description: "new" } });
    const changed = await ask({ path, headers });

    assert.match(etag, /^"[0-9a-f]{32}"$/);
    assert.deepEqual([same.status, same.text, same.headers.get("etag")], [304, "", etag]);
    assert.equal(changed.status, 200);
  }],
  ["tags a snapshot with epoch and revision, and answers 304 until it changes", async ({ ask, world }) => {
    const path = `${API}/agents/${world.agentId}/snapshot`;
    const key = world.keys.agent;
    const first = await ask({ path, key });
    const etag = first.headers.get("etag") ?? "";
    const { epoch, revision } = first.body as { readonly epoch: string; readonly revision: number };

    const same = await ask({ path, key, headers: { "if-none-match": etag } });
    await ask({ method: "PUT", path: `${API}/agents/${world.agentId}`, body: { status: "ACTIVE" } });
    const changed = await ask({ path, key, headers: { "if-none-match": etag } });

    assert.equal(etag, `"${epoch}-${revision}"`);
    assert.deepEqual([same.status, same.text], [304, ""]);
    assert.deepEqual([changed.status, (changed.body as { readonly paused: boolean }).paused], [200, false]);
  }],
  ["gives an object's raw bytes to who accepts YAML, and keeps a byte order mark", async ({ ask, world }) => {
    const raw = `\ufeff${CONFIG_MAP}`;
    const path = `${API}/stacks/${world.stackId}/deployment-objects`;
    const submitted = await ask({ method: "POST", path, body: raw, headers: { "content-type": "text/yaml" } });
    const { id, yaml_checksum } = submitted.body as { readonly id: string; readonly yaml_checksum: string };

    const yaml = await ask({ path: `${API}/deployment-objects/${id}`, headers: { accept: "application/yaml" } });

    assert.equal(yaml.headers.get("content-type"), "application/yaml; charset=utf-8");
    assert.equal(yaml.headers.get("etag"), `"${yaml_checksum}"`);
    assert.match(yaml.headers.get("cache-control") ?? "", /immutable/);
    assert.ok(yaml.text.endsWith(CONFIG_MAP));
  }],
  ["refuses a bundle with every fault's document and line", async ({ ask, world }) => {
    const path = `${API}/stacks/${world.stackId}/deployment-objects`;
    const body = { yaml_content: "kind: ConfigMap\n---\na: [\n" };
    const answer = await ask({ method: "POST", path, body });

    assertProblem(answer, 400, "invalid_deployment_object");
    const { errors } =
      (answer.body as { readonly details: { readonly errors: readonly { document: number }[] } }).details;
    assert.deepEqual([...new Set(errors.map(({ document }) => document))], [1, 2]);
  }],
  ["takes an empty deletion marker by its query", async ({ ask, world }) => {
    const path = `${API}/stacks/${world.stackId}/deployment-objects?deletion_marker=true`;
    const answer = await ask({ method: "POST", path, body: "", headers: { "content-type": "application/yaml" } });

    assert.equal(answer.status, 201);
    assert.equal((answer.body as { readonly is_deletion_marker: boolean }).is_deletion_marker, true);
  }],
  ["takes reports of old, and asks for what they lack", async ({ ask, world: { agentId, objectId, keys } }) => {
    const path = `${API}/agents/${agentId}/events`;
    const old = { agent_id: agentId, deployment_object_id: objectId, event_type: "DEPLOY", status: "FAILURE" };

    const failed = await ask({ method: "POST", path, key: keys.agent, body: { ...old, message: "no" } });
    const lacking = await ask({ method: "POST", path, key: keys.agent, body: { agent_id: agentId } });
    const ofNothing = await ask({
      method: "POST",
      path,
      key: keys.agent,
      body: { agent_id: agentId, state: "failed" },
    });
    const applying = await ask({
      ...{ method: "POST", path, key: keys.agent },
      body: { agent_id: agentId, deployment_object_id: objectId, state: "applying" },
    });

    const { event_type, status, message } = failed.body as Record<string, unknown>;
    assert.deepEqual([failed.status, event_type, status, message], [201, "DEPLOY", "FAILURE", "no"]);
    assertProblem(lacking, 422, "invalid_request_body");
    assert.deepEqual(faultPaths(lacking), ["event_type", "status", "deployment_object_id"]);
    assertProblem(ofNothing, 422, "invalid_request_body");
    assert.deepEqual(faultPaths(ofNothing), ["deployment_object_id"]);
    assert.deepEqual([applying.status, applying.text], [204, ""]);
  }],
];

Deno.test("the API answers a bug with 500, the request's id and no cause, and logs it once", async () => {
  const logged: unknown[] = [];
  const log: Log = { ...silentLog(), error: (message, fields) => logged.push([message, fields]) };
  const cause = new Error("the cause");
  const ask = apiOver({} as Store, {
    log,
    store: () => {
      throw cause;
    },
  });

  const answer = await ask({ path: `${API}/stacks`, headers: { "x-request-id": "r1" } });

  assertProblem(answer, 500, "internal_error");
  assert.ok(answer.text.includes("r1") && !answer.text.includes("the cause"));
  assert.deepEqual(logged, [["request failed", { request_id: "r1", error: cause }]]);
});

Deno.test("the API answers 503 unavailable while there is no database", async () => {
  const ask = apiOver({} as Store, {
    store: () => {
      throw new Failure("unavailable", "Cannot answer yet: no database");
    },
  });

  const answer = await ask({ path: `${API}/stacks` });

  assertProblem(answer, 503, "unavailable");
  assert.equal(answer.headers.get("retry-after"), "1");
});

function assertProblem(answer: ApiAnswer, status: number, code: string): void {
  const { code: found, message, ...rest } = answer.body as Record<string, unknown>;
  assert.deepEqual([answer.status, found], [status, code], answer.text);
  assert.match(String(message), /^Cannot .+[^.]$/);
  assert.deepEqual(Object.keys(rest).filter((key) => key !== "details"), []);
  assert.equal(answer.headers.get("content-type"), "application/json");
}

function faultPaths({ body }: ApiAnswer): readonly string[] {
  return (body as { readonly details: { readonly errors: readonly { readonly path: string }[] } }).details.errors
    .map(({ path }) => path);
}
