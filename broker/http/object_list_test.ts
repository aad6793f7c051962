import assert from "node:assert/strict";
import { apiOver } from "../../tests/fakes/api_world.ts";
import type { ObjectHead } from "../domain/deployment_object.ts";
import type { Store } from "../store/mod.ts";
import { ALWAYS_ADMIN } from "./auth.ts";
import { InFlight } from "./in_flight.ts";

const AGENT = "11111111-1111-4111-8111-111111111111";
const TARGET_STATE = `/api/v1/agents/${AGENT}/target-state`;
const MB = 1_000_000;

function idOf(sequenceId: number): string {
  return `00000000-0000-4000-8000-00000000000${sequenceId}`;
}

function head(sequenceId: number, sizeBytes: number): ObjectHead {
  const now = new Date(0);
  return {
    id: idOf(sequenceId),
    ...{ sequenceId, sizeBytes, stackId: AGENT, yamlChecksum: "c", isDeletionMarker: false, isBodyKept: true },
    ...{ submittedAt: now, createdAt: now, updatedAt: now },
  };
}

/** An API whose store has these objects, and says which bodies were asked for at once. */
function fixture(heads: readonly ObjectHead[], { missing = "" } = {}) {
  const asked: (readonly string[])[] = [];
  const sizes = new Map(heads.map(({ id, sizeBytes }) => [id, sizeBytes]));
  const store = {
    snapshots: { targetState: () => Promise.resolve(heads) },
    objects: {
      get(id: string) {
        const stack = { id: AGENT, generatorId: AGENT };
        return Promise.resolve({ head: heads.find((one) => one.id === id), stack, isAssociated: false });
      },
      bodies(ids: readonly string[]) {
        asked.push(ids);
        const kept = ids.filter((id) => id !== missing);
        return Promise.resolve(new Map(kept.map((id) => [id, "x".repeat(sizes.get(id) ?? 0)])));
      },
    },
  } as unknown as Store;
  const ask = apiOver(store, { authenticator: ALWAYS_ADMIN, inFlight: new InFlight(1) });
  const askOne = (id: string, { method = "GET", headers = {} } = {}) =>
    ask({ path: `/api/v1/deployment-objects/${id}`, method, headers });
  return { ask: (method = "GET") => ask({ path: TARGET_STATE, method }), askOne, asked };
}

Deno.test("a list of objects is read at once while its manifests are short", async () => {
  const { ask, asked } = fixture([head(2, 100_000), head(1, 100_000)]);

  const { body } = await ask();

  assert.deepEqual((body as { id: string }[]).map(({ id }) => id), [idOf(2), idOf(1)]);
  assert.deepEqual(asked, [[idOf(2), idOf(1)]]);
});

Deno.test("a list of objects is read batch by batch, a large one alone, and is the same list", async () => {
  const { ask, asked } = fixture([head(4, 2 * MB), head(3, 100_000), head(2, 100_000), head(1, 2 * MB)]);

  const { status, body } = await ask();

  const sizes = (body as { yaml_content: string }[]).map(({ yaml_content }) => yaml_content.length);
  assert.deepEqual([status, sizes], [200, [2 * MB, 100_000, 100_000, 2 * MB]]);
  assert.deepEqual(asked, [[idOf(4)], [idOf(3), idOf(2)], [idOf(1)]]);
});

Deno.test("a list of objects breaks off where a manifest was deleted meanwhile, and gives its place to others", async () => {
  const { ask } = fixture([head(2, 2 * MB), head(1, 2 * MB)], { missing: idOf(1) });

  await assert.rejects(ask(), /its body has just been deleted/);
  await assert.rejects(ask(), /its body has just been deleted/);
});

Deno.test("a HEAD of a long list reads no manifest", async () => {
  const { ask, asked } = fixture([head(2, 2 * MB), head(1, 2 * MB)]);

  const { status, text } = await ask("HEAD");

  assert.deepEqual([status, text, asked], [200, "", []]);
});

Deno.test("a large object comes whole, as JSON and as YAML", async () => {
  const { askOne, asked } = fixture([head(1, 2 * MB)]);
  const yaml = { headers: { accept: "application/yaml" } };

  const [first, second] = [await askOne(idOf(1), yaml), await askOne(idOf(1))];

  assert.deepEqual([first.status, first.text.length, first.headers.get("etag")], [200, 2 * MB, '"c"']);
  const { id, yaml_content } = second.body as { readonly id: string; readonly yaml_content: string };
  assert.deepEqual([second.status, id, yaml_content.length], [200, idOf(1), 2 * MB]);
  assert.equal(second.headers.get("etag"), `"${idOf(1)}"`);
  assert.deepEqual(asked, [[idOf(1)], [idOf(1)]]);
});

Deno.test("a large object is not read for a HEAD, nor for who has it", async () => {
  const { askOne, asked } = fixture([head(1, 2 * MB)]);

  const answers = [
    await askOne(idOf(1), { method: "HEAD" }),
    await askOne(idOf(1), { headers: { "if-none-match": `"${idOf(1)}"` } }),
  ];

  assert.deepEqual(answers.map(({ status, text }) => [status, text]), [[200, ""], [304, ""]]);
  assert.deepEqual(asked, []);
});
