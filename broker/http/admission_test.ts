import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import { apiOver, type Asking } from "../../tests/fakes/api_world.ts";
import { mintPak } from "../domain/pak.ts";
import { AUTH_RESULTS } from "../metrics.ts";
import type { KnownKey, Store } from "../store/mod.ts";

const API = "/api/v1";
const NOBODY = "00000000-0000-4000-8000-000000000000";

/** An API over a store that knows three keys, and what it counts. */
async function fixture() {
  const [agent, generator, inactive] = [await mintPak(), await mintPak(), await mintPak()];
  const known = new Map<string, KnownKey>([
    [agent.hash, { caller: { role: "agent", id: NOBODY }, pakHash: agent.hash, isActive: true }],
    [generator.hash, { caller: { role: "generator", id: NOBODY }, pakHash: generator.hash, isActive: true }],
    [inactive.hash, { caller: { role: "generator", id: NOBODY }, pakHash: inactive.hash, isActive: false }],
  ]);
  let find = (hash: string) => Promise.resolve(known.get(hash));
  const store = { keys: { find: (hash: string) => find(hash) }, generators: { markActive: () => Promise.resolve() } };
  const counted: Record<string, number> = {};
  const ask = apiOver(store as unknown as Store, {
    attempts: { add: (value, { result }) => counted[result] = (counted[result] ?? 0) + value },
  });
  return {
    paks: { agent: agent.pak, generator: generator.pak, inactive: inactive.pak },
    failWith: (error: Error) => find = () => Promise.reject(error),
    /** Asks, and says what became of it: the status, and what was counted for it. */
    async counts(asking: Asking): Promise<[number, string[]]> {
      for (const result of AUTH_RESULTS) delete counted[result];
      const { status } = await ask(asking);
      return [status, Object.entries(counted).flatMap(([result, times]) => Array<string>(times).fill(result))];
    },
  };
}

Deno.test("admitted() counts each request to a path that wants a key once, by what became of it", async () => {
  const { paks, counts } = await fixture();
  const stranger = await mintPak();
  const pak = { method: "POST", path: `${API}/auth/pak` };

  assert.deepEqual(await counts({ ...pak, key: paks.agent }), [200, ["success"]]);
  assert.deepEqual(await counts({ ...pak, key: `Bearer ${paks.generator}` }), [200, ["success"]]);
  assert.deepEqual(await counts(pak), [401, ["missing"]]);
  assert.deepEqual(await counts({ ...pak, key: "Bearer " }), [401, ["missing"]]);
  assert.deepEqual(await counts({ ...pak, key: "brokkr_BR" }), [401, ["malformed"]]);
  assert.deepEqual(await counts({ ...pak, key: stranger.pak }), [401, ["unknown"]]);
  assert.deepEqual(await counts({ ...pak, key: paks.inactive }), [403, ["forbidden"]]);
});

Deno.test("admitted() counts a role that may not use the path as forbidden, whatever code it gets", async () => {
  const { paks, counts } = await fixture();

  assert.deepEqual(await counts({ path: `${API}/generators`, key: paks.agent }), [403, ["forbidden"]]);
  assert.deepEqual(await counts({ path: `${API}/stacks`, key: paks.agent }), [403, ["forbidden"]]);
});

Deno.test("admitted() counts a caller that may use the path as a success, though not this one's resource", async () => {
  const { paks, counts } = await fixture();
  const heartbeat = { method: "POST", path: `${API}/agents/10000000-0000-4000-8000-000000000000/heartbeat` };

  assert.deepEqual(await counts({ ...heartbeat, key: paks.agent }), [403, ["success"]]);
});

Deno.test("admitted() counts nothing where no key is wanted, or none can be looked up", async () => {
  const { paks, counts, failWith } = await fixture();

  assert.deepEqual(await counts({ path: "/nothing", key: paks.agent }), [404, []]);
  assert.deepEqual(await counts({ method: "PATCH", path: `${API}/stacks`, key: paks.agent }), [405, []]);
  assert.deepEqual(await counts({ path: "/docs/openapi.json" }), [200, []]);
  failWith(new Failure("unavailable", "Cannot use the database: it is away"));
  assert.deepEqual(await counts({ path: `${API}/stacks`, key: paks.agent }), [503, []]);
});
