import assert from "node:assert/strict";
import { type ApiAnswer, apiOver, type Asking, buildWorld, undone, type World } from "../../tests/fakes/api_world.ts";
import { embeddedDatabase } from "../../tests/fakes/databases.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { openStore } from "../store/open.ts";
import { Authenticator } from "./auth.ts";
import { clientAddressBehind } from "./client_address.ts";
import { KeyCache } from "./key_cache.ts";

type Ask = (asking: Asking) => Promise<ApiAnswer>;

const API = "/api/v1";

Deno.test("rotation", async (t) => {
  await using held = await embeddedDatabase();
  const clock = new ManualClock();
  const keys = new KeyCache({ clock, ttlMs: 60_000 });
  const authenticator = new Authenticator({ clock, keys, clientAddress: clientAddressBehind([]) });
  keys.heard(Infinity);
  const kept = openStore(held.database, { onKeysChanged: (changed) => keys.forget(changed) });
  const world = await buildWorld(kept);
  const own = owners(world);
  for (const { claim, run } of CASES) {
    for (const owner of own) {
      await t.step(`${claim}: ${owner.role}`, () => undone(kept, (store) => run(apiOver(store), { ...owner, world })));
    }
  }
  await t.step("a key that was rotated or deleted here is forgotten here at once, though it was kept", async () => {
    const ask = apiOver(kept, { authenticator });
    for (const { pak, path } of own.filter(({ role }) => role !== "admin")) {
      const rotate = (key: string, body = {}) => ask({ method: "POST", path: `${path}/rotate-pak`, key, body });
      const statusOf = async (key: string) => (await ask({ path, key })).status;
      await statusOf(pak);
      const { pak: second } = (await rotate(pak, { revoke: true })).body as { readonly pak: string };
      assert.deepEqual([await statusOf(pak), await statusOf(second)], [401, 200]);
      const { pak: third } = (await rotate(world.keys.admin)).body as { readonly pak: string };
      assert.deepEqual([await statusOf(second), await statusOf(third)], [401, 200]);
      await ask({ method: "DELETE", path, key: world.keys.admin });
      assert.equal(await statusOf(third), 401);
    }
  });
  await t.step(
    "of two rotations of a key that come at once one is refused, and the other's key is the owner's",
    async () => {
      const ask = apiOver(kept);
      const other = await buildWorld(kept, "-2");
      for (const { pak, path, rotatePath } of owners({ ...other, keys: { ...other.keys, admin: world.keys.admin } })) {
        const rotate = async () => await ask({ method: "POST", path: rotatePath, key: pak, body: { revoke: true } });

        const answers = await Promise.all([rotate(), rotate()]);

        const [done, refused] = answers.sort((one, another) => one.status - another.status);
        assert.deepEqual([refused?.status, (refused?.body as { readonly code: string }).code], [403, "forbidden"]);
        const { pak: fresh } = done?.body as { readonly pak: string };
        assert.deepEqual([(await ask({ path, key: fresh })).status, (await ask({ path, key: pak })).status], [
          200,
          401,
        ]);
      }
    },
  );
});

interface Owner {
  readonly role: "admin" | "agent" | "generator";
  readonly pak: string;
  /** Where the owner is, or for the admin something that only it may read. */
  readonly path: string;
  readonly rotatePath: string;
}

function owners({ keys, agentId, generatorId }: World): readonly Owner[] {
  const [agent, generator] = [`${API}/agents/${agentId}`, `${API}/generators/${generatorId}`];
  return [
    { role: "agent", pak: keys.agent, path: agent, rotatePath: `${agent}/rotate-pak` },
    { role: "generator", pak: keys.generator, path: generator, rotatePath: `${generator}/rotate-pak` },
    { role: "admin", pak: keys.admin, path: `${API}/paks`, rotatePath: `${API}/admin/rotate-pak` },
  ];
}

const CASES: readonly { readonly claim: string; run(ask: Ask, owner: Owner & { world: World }): Promise<void> }[] = [
  {
    claim: "whoever rotates its own key goes on with the former one, but to rotate, until it uses the new one",
    async run(ask, { pak, path, rotatePath }) {
      const rotate = (key: string) => ask({ method: "POST", path: rotatePath, key });
      const answer = await rotate(pak);
      const { pak: fresh } = answer.body as { readonly pak: string };

      const before = await ask({ path, key: pak });
      const again = await rotate(pak);
      const first = await ask({ path, key: fresh });
      const after = await ask({ path, key: pak });

      assert.deepEqual([before.status, first.status, after.status], [200, 200, 401]);
      assert.deepEqual([again.status, (again.body as { readonly code: string }).code], [403, "forbidden"]);
      assert.ok((await rotate(fresh)).status < 300);
    },
  },
  {
    claim: "a key that is revoked ends at once, and so does one that the admin rotates for another",
    async run(ask, { role, pak, path, rotatePath, world }) {
      const revoked = await ask({ method: "POST", path: rotatePath, key: pak, body: { revoke: true } });
      const { pak: second } = revoked.body as { readonly pak: string };
      assert.deepEqual([(await ask({ path, key: pak })).status, (await ask({ path, key: second })).status], [401, 200]);
      if (role === "admin") return;

      await ask({ method: "POST", path: rotatePath, key: world.keys.admin });

      assert.equal((await ask({ path, key: second })).status, 401);
    },
  },
];
