import assert from "node:assert/strict";
import { type ApiAnswer, apiOver, type Asking, buildWorld, undone, type World } from "../../tests/fakes/api_world.ts";
import { embeddedDatabase } from "../../tests/fakes/databases.ts";
import { openStore } from "../store/open.ts";

const API = "/api/v1";

interface Fixture {
  readonly world: World;
  /** Asks with the admin's key. */
  ask(asking: Asking): Promise<ApiAnswer>;
  /** Gives the world's agent, its cluster, its stack and its generator this name, past what is checked. */
  rename(name: string): Promise<void>;
}

/** One database for this file; what a step writes is undone. */
Deno.test("names that the API takes", async (t) => {
  await using held = await embeddedDatabase();
  const kept = openStore(held.database);
  const world = await buildWorld(kept);
  for (const [claim, check] of CLAIMS) {
    await t.step(claim, () =>
      undone(kept, async (store) => {
        const ask = apiOver(store);
        const rename = async (name: string) => {
          await store.stacks.change(world.stackId, { name, description: undefined });
          await store.agents.change(world.agentId, { name, clusterName: name });
          await store.generators.change(world.generatorId, { name, description: undefined });
        };
        await check({ world, rename, ask: (asking) => ask({ key: world.keys.admin, ...asking }) });
      }));
  }
});

/** Each shows as "a", as nothing, or as something else than it is. */
const INVISIBLE = ["\u200b", "a\u200b", "a\ufeff", "a\u2060", "\u00ada", "a\u3164", "a\u{e0041}", "a\ufff9", "a\u180e"];

const CLAIMS: readonly (readonly [claim: string, check: (fixture: Fixture) => Promise<void>])[] = [
  [
    "takes back what it gave, whatever a version before has taken for a name, and no other such name",
    async (fixture) => {
      const { ask, rename, world } = fixture;
      const old = "a\u202eb\n";
      const paths = [`stacks/${world.stackId}`, `agents/${world.agentId}`, `generators/${world.generatorId}`];
      await rename(old);

      for (const path of paths.map((path) => `${API}/${path}`)) {
        const read = await ask({ path });
        const same = await ask({ method: "PUT", path, body: read.body });
        const other = await ask({ method: "PUT", path, body: { ...read.body as object, name: `${old}\u200b` } });

        assert.deepEqual([same.status, (same.body as { readonly name?: string }).name], [200, old], same.text);
        assertRefused(other, 422, "invalid_request_body");
        assert.match(other.text, /"path":"name"/);
      }
    },
  ],
  ["refuses names that are blank, or show as something else than they are", async ({ ask, world }) => {
    const bad = [
      " ",
      "\u3000",
      "a\nb",
      "a\r",
      "a\u0085b",
      "a\u2028b",
      "a\u202eb",
      "\u2066a",
      "a\u200f",
      "a\tb",
      "\u001b[2J",
      ...INVISIBLE,
      "\u2800",
      "\u200d\ufe0f",
    ];
    const requests = (name: string) => [
      { method: "POST", path: `${API}/agents`, body: { name, cluster_name: "c" } },
      { method: "POST", path: `${API}/agents`, body: { name: "c", cluster_name: name } },
      { method: "POST", path: `${API}/generators`, body: { name } },
      { method: "POST", path: `${API}/stacks`, body: { name, generator_id: world.generatorId } },
      { method: "PUT", path: `${API}/stacks/${world.stackId}`, body: { name } },
      { method: "PUT", path: `${API}/agents/${world.agentId}`, body: { name } },
      { method: "PUT", path: `${API}/generators/${world.generatorId}`, body: { name } },
    ];
    for (const name of bad) {
      for (const request of requests(name)) assertRefused(await ask(request), 422, "invalid_request_body");
    }
    for (const name of ["web shop", "ä", "商店", "👩‍👩‍👧", "שלום", "می‌خواهم"]) {
      assert.equal((await ask({ method: "POST", path: `${API}/generators`, body: { name } })).status, 201, name);
    }
  }],
  ["refuses labels, keys and values that show as something else than they are", async ({ ask, world: { stackId } }) => {
    const path = `${API}/stacks/${stackId}`;
    const post = (what: string, body: unknown) => ask({ method: "POST", path: `${path}/${what}`, body });
    for (const bad of [...INVISIBLE, "a\u0085b", "a\u001bb", "a\u007f", "a\u202eb", "a b", "a\u3000b", ""]) {
      assertRefused(await post("labels", JSON.stringify(bad)), 400, "invalid_label");
      for (const tag of [{ key: bad, value: "v" }, { key: "k", value: bad }]) {
        assertRefused(await post("annotations", { stack_id: stackId, ...tag }), 400, "invalid_annotation");
      }
    }
    for (const label of ["a/b", "a%2Fb", "é", "商店", "?x=#", "می‌خواهم"]) {
      assert.equal((await post("labels", JSON.stringify(label))).status, 201, label);
      const gone = await ask({ method: "DELETE", path: `${path}/labels/${encodeURIComponent(label)}` });
      assert.equal(gone.status, 204, label);
    }
  }],
  ["refuses labels and keys whose path would be another's", async ({ ask, world: { agentId, stackId } }) => {
    for (const dots of [".", ".."]) {
      const labels = `${API}/stacks/${stackId}/labels`;
      assertRefused(await ask({ method: "POST", path: labels, body: JSON.stringify(dots) }), 400, "invalid_label");
      const ofAgent = {
        method: "POST",
        path: `${API}/agents/${agentId}/labels`,
        body: { agent_id: agentId, label: dots },
      };
      assertRefused(await ask(ofAgent), 400, "invalid_label");
      for (const [thing, id] of [["stack", stackId], ["agent", agentId]]) {
        const path = `${API}/${thing}s/${id}/annotations`;
        const annotated = (key: string, value: string) =>
          ask({ method: "POST", path, body: { [`${thing}_id`]: id, key, value } });
        assertRefused(await annotated(dots, "v"), 400, "invalid_annotation");
        assert.equal((await annotated(`k${dots}`, dots)).status, 201);
      }
    }
    const three = { method: "POST", path: `${API}/stacks/${stackId}/labels`, body: JSON.stringify("...") };
    assert.equal((await ask(three)).status, 201);
  }],
];

function assertRefused({ status, body, text }: ApiAnswer, wanted: number, code: string): void {
  assert.deepEqual([status, (body as { readonly code?: string }).code], [wanted, code], text);
}
