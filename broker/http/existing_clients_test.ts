import assert from "node:assert/strict";
import { type ApiAnswer, apiOver, type Asking, buildWorld, undone, type World } from "../../tests/fakes/api_world.ts";
import { embeddedDatabase } from "../../tests/fakes/databases.ts";
import { openStore } from "../store/open.ts";

type Body = Readonly<Record<string, unknown>>;
type Ask = (asking: Asking) => Promise<ApiAnswer>;

const API = "/api/v1";

/** What clients that were written for another broker of this API do, and take for granted. */
const CASES: readonly { readonly claim: string; run(ask: Ask, world: World): Promise<void> }[] = [
  {
    claim: "what GET gave of anything, PUT takes as it is, whoever may change it",
    async run(ask, { keys, agentId, generatorId, stackId }) {
      const own = [
        { path: `${API}/agents/${agentId}`, key: keys.agent },
        { path: `${API}/generators/${generatorId}`, key: keys.generator },
        { path: `${API}/stacks/${stackId}`, key: keys.generator },
      ];
      await ask({ method: "POST", path: `${own[0]?.path}/heartbeat`, key: keys.agent, body: { k8s_reachable: true } });

      for (const { path, key } of own) {
        for (const caller of [key, keys.admin]) {
          const { body } = await ask({ path, key: caller });
          const put = await ask({ method: "PUT", path, key: caller, body });

          assert.deepEqual([put.status, unchanging(put.body)], [200, unchanging(body)], path);
        }
      }
    },
  },
  {
    claim: "PUT of an agent passes over what changes by itself, and refuses to change what never does",
    async run(ask, { keys, agentId, otherAgentId }) {
      const put = (body: Body, key = keys.admin) => ask({ method: "PUT", path: `${API}/agents/${agentId}`, key, body });
      const { body } = await ask({ path: `${API}/agents/${agentId}`, key: keys.agent });
      const seen = body as { readonly created_at: string };
      const stale = {
        updated_at: "x",
        last_heartbeat: 1,
        k8s_reachable: "?",
        k8s_api_latency_ms: {},
        connectivity: [],
      };
      const sameTime = seen.created_at.replace(/\.\d+Z$/, "+00:00");

      const taken = [
        await put({ ...stale, status: "ACTIVE" }),
        await put({ ...seen, created_at: sameTime, status: "INACTIVE" }, keys.agent),
      ];
      const refused = [
        await put({ id: otherAgentId }),
        await put({ created_at: "2020-01-01T00:00:00Z" }),
        await put({ deleted_at: "2020-01-01T00:00:00Z" }),
        await put({ colour: "red" }),
      ];

      assert.deepEqual(taken.map((each) => [each.status, (each.body as Body).status]), [
        [200, "ACTIVE"],
        [200, "INACTIVE"],
      ]);
      for (const each of refused) assert.deepEqual([each.status, codeOf(each)], [422, "unsupported_field"]);
      assert.equal(codeOf(await put({ ...seen, name: "other" }, keys.agent)), "forbidden");
      assert.match(refused[0]?.text ?? "", /"path":"id"/);
    },
  },
  {
    claim: "POST /auth/pak gives null for what does not apply, but to our own agent of 0.10.0, which can't read it",
    async run(ask, { keys, agentId, generatorId }) {
      const who = async (key: string, headers = {}) =>
        (await ask({ method: "POST", path: `${API}/auth/pak`, key, headers })).body;

      assert.deepEqual(await who(keys.admin), { admin: true, agent: null, generator: null, readonly: false });
      assert.deepEqual(await who(keys.agent), { admin: false, agent: agentId, generator: null, readonly: false });
      assert.deepEqual(await who(keys.generator), {
        ...{ admin: false, agent: null, generator: generatorId, readonly: false },
      });
      const old = { admin: false, agent: agentId, readonly: false };
      assert.deepEqual(await who(keys.agent, { "user-agent": "brokkr-agent/0.10.0" }), old);
    },
  },
  {
    claim: "a new key of an agent comes with the agent",
    async run(ask, { keys, agentId }) {
      const path = `${API}/agents/${agentId}`;

      const { body } = await ask({ method: "POST", path: `${path}/rotate-pak`, key: keys.agent });

      const { agent, pak } = body as { readonly agent: Body; readonly pak: string };
      assert.equal(agent.id, agentId);
      assert.deepEqual((await ask({ path, key: pak })).body, agent);
    },
  },
  {
    claim: "GET /agent-events takes a generator's id for the agents that are registered with it, as GET /stacks does",
    async run(ask, { keys, agentId, otherAgentId, generatorId, otherGeneratorId, eventId }) {
      const events = async (id: string) => {
        const { body } = await ask({ path: `${API}/agent-events?pak_id=${id}`, key: keys.admin });
        return (body as readonly Body[]).map((event) => event.id);
      };

      assert.deepEqual(await events(generatorId), [eventId]);
      assert.deepEqual(await events(agentId), [eventId]);
      assert.deepEqual([await events(otherGeneratorId), await events(otherAgentId)], [[], []]);
    },
  },
  {
    claim: "the same event at every poll is one event, answered as the first time",
    async run(ask, { keys, agentId, objectId }) {
      const path = `${API}/agents/${agentId}/events`;
      const body = { agent_id: agentId, deployment_object_id: objectId, event_type: "DEPLOY", status: "SUCCESS" };
      const say = () => ask({ method: "POST", path, key: keys.agent, body: { ...body, message: "ok" } });

      const answers = [await say(), await say(), await say()];

      assert.deepEqual(answers.map(({ status }) => status), [201, 201, 201]);
      assert.equal(new Set(answers.map((each) => (each.body as Body).id)).size, 1);
      assert.equal(((await ask({ path, key: keys.agent })).body as readonly Body[]).length, 2);
    },
  },
  {
    claim: "an agent that leaves a generator loses its stacks; a generator that is deleted takes them from everybody",
    async run(ask, { keys, agentId, generatorId, stackId }) {
      const snapshot = async () => {
        const { body } = await ask({ path: `${API}/agents/${agentId}/snapshot`, key: keys.agent });
        const { stacks } = body as { readonly stacks: readonly Body[] };
        return stacks.map(({ stack_id, state }) => [stack_id, state]);
      };
      const register = (method: string) =>
        ask({ method, path: `${API}/generators/${generatorId}/register`, key: keys.agent });
      await snapshot();

      await register("DELETE");
      const left = await snapshot();
      await register("POST");
      const target = { agent_id: agentId, stack_id: stackId };
      await ask({ method: "POST", path: `${API}/agents/${agentId}/targets`, key: keys.generator, body: target });
      const back = await snapshot();
      await ask({ method: "DELETE", path: `${API}/generators/${generatorId}`, key: keys.generator });

      assert.deepEqual([left, back], [[], [[stackId, "present"]]]);
      assert.deepEqual(await snapshot(), [[stackId, "terminating"]]);
      const gone = await ask({ path: `${API}/stacks/${stackId}`, key: keys.admin });
      assert.equal(codeOf(gone), "stack_not_found");
    },
  },
];

/** One database for this file; what a step writes is undone. */
Deno.test("existing clients", async (t) => {
  await using held = await embeddedDatabase();
  const kept = openStore(held.database);
  const world = await buildWorld(kept);
  for (const { claim, run } of CASES) {
    await t.step(claim, () => undone(kept, (store) => run(apiOver(store), world)));
  }
});

function codeOf({ body }: ApiAnswer): unknown {
  return (body as Body).code;
}

function unchanging(body: unknown): unknown {
  return { ...body as Body, updated_at: undefined };
}
