import assert from "node:assert/strict";
import { apiOver, buildWorld } from "../../tests/fakes/api_world.ts";
import { embeddedDatabase } from "../../tests/fakes/databases.ts";
import { openStore } from "../store/open.ts";

Deno.test("an error repeats at most 200 characters of what a client wrote, in each fault", async () => {
  await using held = await embeddedDatabase();
  const store = openStore(held.database);
  const { keys: { admin: key }, stackId } = await buildWorld(store);
  const ask = apiOver(store);
  const stack = `/api/v1/stacks/${stackId}`;
  const long = "x".repeat(20_000);

  const refused = [
    await ask({ path: `/${long}` }),
    await ask({ key, path: `${stack}/labels/${long}`, method: "DELETE" }),
    await ask({ key, path: `${stack}/annotations/${long}`, method: "DELETE" }),
    await ask({ key, path: stack, method: "PUT", body: { [long]: 1 } }),
    await ask({ key, path: stack, method: "PUT", body: { name: long } }),
    await ask({ key, path: `/api/v1/agents/${long}` }),
    await ask({ key, path: `/api/v1/stacks?cursor=${long}` }),
  ];

  assert.deepEqual(refused.filter(({ status, text }) => status < 400 || status >= 500 || text.length > 1_000), []);
});
