import assert from "node:assert/strict";
import { type ApiAnswer, apiOver, type Asking, buildWorld, undone, type World } from "../../tests/fakes/api_world.ts";
import { embeddedDatabase } from "../../tests/fakes/databases.ts";
import { openStore } from "../store/open.ts";

type Body = Readonly<Record<string, unknown>>;
type Ask = (asking: Asking) => Promise<ApiAnswer>;

const CASES: readonly { readonly claim: string; run(ask: Ask, world: World): Promise<void> }[] = [
  {
    claim: "a stack's policy is shown, changed by PUT, and stays where PUT leaves it out",
    async run(ask, { keys, stackId }) {
      const path = `/api/v1/stacks/${stackId}`;
      const put = (body: Body) => ask({ method: "PUT", path, key: keys.generator, body: { name: "web", ...body } });
      const policy = { suspended: true, drift: "report", default_namespace: "shop" };

      const answers = [
        await ask({ path, key: keys.generator }),
        await put(policy),
        await put({}),
        await put({ default_namespace: null, drift: "off" }),
      ];

      assert.deepEqual(answers.map(policyOf), [
        { suspended: false, drift: "repair", default_namespace: null },
        policy,
        policy,
        { suspended: true, drift: "off", default_namespace: null },
      ]);
      assert.equal((await put(answers[1]?.body as Body)).status, 200);
    },
  },
  {
    claim: "a stack can be made with its policy",
    async run(ask, { keys, generatorId }) {
      const policy = { suspended: true, drift: "off", default_namespace: "shop" };
      const body = { name: "new", generator_id: generatorId, ...policy };

      const made = await ask({ method: "POST", path: "/api/v1/stacks", key: keys.generator, body });

      assert.deepEqual([made.status, policyOf(made)], [201, policy]);
    },
  },
  {
    claim: "a wrong policy is 422, and each wrong field is named",
    async run(ask, { keys, stackId, generatorId }) {
      const wrong = { suspended: "yes", drift: "never", default_namespace: "Not_a_label" };
      const body = { name: "web", generator_id: generatorId, ...wrong };
      const asked = [
        await ask({ method: "PUT", path: `/api/v1/stacks/${stackId}`, key: keys.admin, body }),
        await ask({ method: "POST", path: "/api/v1/stacks", key: keys.admin, body }),
      ];

      for (const { status, body } of asked) {
        const { code, details } = body as { code: string; details: { errors: readonly { path: string }[] } };
        const paths = details.errors.map(({ path }) => path);
        assert.deepEqual([status, code, paths], [422, "invalid_request_body", Object.keys(wrong)]);
      }
    },
  },
  {
    claim: "of a body with more than 100 faults the first 100 are named",
    async run(ask, { keys, agentId, stackId }) {
      const results = Array.from({ length: 150 }, () => ({ kind: "ConfigMap", name: "a", action: "eaten" }));
      const body = { agent_id: agentId, stack_id: stackId, state: "applied", results };

      const answer = await ask({ method: "POST", path: `/api/v1/agents/${agentId}/events`, key: keys.agent, body });

      const { message, details } = answer.body as { message: string; details: { errors: readonly unknown[] } };
      assert.deepEqual([answer.status, details.errors.length], [422, 100]);
      assert.match(message, /the first 100 of 150 are named$/);
    },
  },
  {
    claim: "a stack that was deleted while it was suspended can be let go on by PUT, and is then gone",
    async run(ask, { keys, stackId }) {
      const path = `/api/v1/stacks/${stackId}`;
      const put = (suspended: boolean) =>
        ask({ method: "PUT", path, key: keys.generator, body: { name: "web", suspended } });
      await put(true);
      await ask({ method: "DELETE", path, key: keys.generator });

      const got = await ask({ path, key: keys.generator });
      const stranger = await ask({ method: "PUT", path, key: keys.otherGenerator, body: { name: "web" } });
      const [resumed, again] = [await put(false), await put(true)];

      assert.deepEqual([got.status, stranger.status, resumed.status, again.status], [404, 403, 200, 404]);
      assert.ok((resumed.body as { readonly deleted_at: string | null }).deleted_at);
    },
  },
  {
    claim: "an agent is told the policy of its stacks, and of no approvals where there are none",
    async run(ask, { keys, agentId, stackId }) {
      const body = { name: "web", drift: "off", default_namespace: "shop" };
      await ask({ method: "PUT", path: `/api/v1/stacks/${stackId}`, key: keys.admin, body });

      const snapshot = await ask({ path: `/api/v1/agents/${agentId}/snapshot`, key: keys.agent });

      const { stacks, ...rest } = snapshot.body as { readonly stacks: readonly Body[] };
      assert.deepEqual([stacks[0]?.suspended, stacks[0]?.drift, stacks[0]?.default_namespace], [false, "off", "shop"]);
      assert.equal("approved_stacks" in rest, false);
      assert.equal("ended_stacks" in rest, false);
    },
  },
  {
    claim: "an agent is told which stacks ended until it says that nothing is left of them, once",
    async run(ask, { keys, agentId, stackId }) {
      const agent = `/api/v1/agents/${agentId}`;
      const report = async (state: string) => {
        const body = { agent_id: agentId, stack_id: stackId, state };
        return (await ask({ method: "POST", path: `${agent}/events`, key: keys.agent, body })).status;
      };
      const ended = async () => {
        const { body } = await ask({ path: `${agent}/snapshot`, key: keys.agent });
        return (body as { readonly ended_stacks?: readonly string[] }).ended_stacks;
      };
      await report("applied");
      await ask({ method: "DELETE", path: `${agent}/targets/${stackId}`, key: keys.admin });
      const before = await ended();

      const statuses = [await report("removed"), await report("removed")];

      assert.deepEqual([before, statuses, await ended()], [[stackId], [201, 204], undefined]);
    },
  },
  {
    claim: "the blocked removal of a stack is approved by naming it, and told to the agent",
    async run(ask, { keys, agentId, stackId }) {
      const agent = `/api/v1/agents/${agentId}`;
      await ask({ method: "DELETE", path: `/api/v1/stacks/${stackId}`, key: keys.admin });
      const blocked = { state: "blocked", reason: "namespace_not_empty", revision: 4 };
      const report = { agent_id: agentId, stack_id: stackId, ...blocked };
      await ask({ method: "POST", path: `${agent}/events`, key: keys.agent, body: report });
      const approve = (body: Body) =>
        ask({ method: "POST", path: `${agent}/approve-prune`, key: keys.admin, body: { revision: 4, ...body } });

      const statuses = [
        (await approve({})).status,
        (await approve({ stack_id: stackId, revision: 5 })).status,
        (await approve({ stack_id: stackId })).status,
        (await approve({ stack_id: "web" })).status,
      ];

      assert.deepEqual(statuses, [409, 409, 204, 422]);
      const snapshot = await ask({ path: `${agent}/snapshot`, key: keys.agent });
      const { approved_stacks: approved } = snapshot.body as { readonly approved_stacks: unknown };
      assert.deepEqual(approved, [{ stack_id: stackId, revision: 4 }]);
    },
  },
  {
    claim: "a report of health alone, and one of what is gone already, are 204; a report that says more is 201",
    async run(ask, { keys, agentId, stackId }) {
      const report = (body: Body) =>
        ask({
          method: "POST",
          path: `/api/v1/agents/${agentId}/events`,
          key: keys.agent,
          body: { agent_id: agentId, stack_id: stackId, ...body },
        });
      const health = { status: "progressing", reason: "1 of 3 available", at: "2026-01-01T00:00:00Z" };
      const results = [{
        ...{ group: "apps", version: "v1", kind: "Deployment", namespace: "shop", name: "web" },
        ...{ action: "replaced", fields: [".spec.selector"], health: "progressing", health_at: health.at },
      }];
      const yielded = [{ path: ".spec.replicas", manager: "autoscaler" }];

      const statuses = [
        (await report({ state: "applied", health })).status,
        (await report({ state: "applied", health, results, yielded, warnings: ["ownerReferences left out"] })).status,
        (await report({ state: "removed", stack_id: crypto.randomUUID() })).status,
        (await report({ state: "applied", health: { status: "dead", at: health.at } })).status,
      ];

      assert.deepEqual(statuses, [204, 201, 204, 422]);
    },
  },
];

Deno.test("the API of policies, approvals of stacks and health", async (t) => {
  await using held = await embeddedDatabase();
  const store = openStore(held.database);
  const world = await buildWorld(store);
  for (const { claim, run } of CASES) {
    await t.step(claim, () => undone(store, (inside) => run(apiOver(inside), world)));
  }
});

function policyOf({ body }: ApiAnswer): Body {
  const { suspended, drift, default_namespace } = body as Body;
  return { suspended, drift, default_namespace };
}
