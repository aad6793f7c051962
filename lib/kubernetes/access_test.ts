import assert from "node:assert/strict";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import { type Access, keepAccess } from "./access.ts";
import { askerHeaders } from "./asker.ts";

/** An access that stands in one file, which says where the API server is and who asks. */
async function keeping(warnings: string[] = []) {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, "one");
  const clock = new ManualClock();
  let loads = 0;
  const load = async (): Promise<Access> => {
    loads += 1;
    const text = await Deno.readTextFile(path);
    if (text === "broken") throw new Error("it is broken");
    const headers = () => Promise.resolve({ authorization: text });
    const names = { server: text, authority: "", address: "", certificate: "" };
    const server = `https://${text}`;
    return { server, clientOptions: {}, names, headers, files: [path], defaultNamespace: undefined };
  };
  const log = { ...silentLog(), warn: (_: string, fields?: object) => warnings.push(JSON.stringify(fields)) };
  const keeper = await keepAccess({ load, clock, log });
  await clock.advance(5_000);
  await keeper.authorize(); // what may have changed while the first was loaded
  return { path, clock, keeper, loads: () => loads };
}

Deno.test("keepAccess() reads its files again after five seconds, and loads them anew where they changed", async () => {
  const { path, clock, keeper, loads } = await keeping();
  const loadsBefore = loads();
  await Deno.writeTextFile(path, "two");

  const before = await keeper.authorize();
  await clock.advance(5_000);
  const all = await Promise.all([keeper.authorize(), keeper.authorize()]);
  await clock.advance(5_000);
  await keeper.authorize();

  assert.deepEqual([before, ...all].map(({ authorization }) => authorization), ["one", "two", "two"]);
  assert.deepEqual([keeper.current.server, loads() - loadsBefore], ["https://two", 1]);
  await Deno.remove(path);
});

Deno.test("keepAccess() reads its files again at once where the API server does not know who asks", async () => {
  const { path, keeper } = await keeping();
  await Deno.writeTextFile(path, "two");

  assert.deepEqual(await keeper.authorize(true), { authorization: "two" });
  await Deno.remove(path);
});

Deno.test("keepAccess() keeps what it has while its files cannot be read, and says so once", async () => {
  const warnings: string[] = [];
  const { path, keeper } = await keeping(warnings);

  for (const happens of [() => Deno.writeTextFile(path, "broken"), () => Deno.remove(path)]) {
    await happens();
    for (let time = 0; time < 3; time += 1) assert.deepEqual(await keeper.authorize(true), { authorization: "one" });
  }
  await Deno.writeTextFile(path, "three");

  assert.deepEqual(await keeper.authorize(true), { authorization: "three" });
  assert.deepEqual(warnings.map((text) => /broken|No such file|ENOENT/.exec(text)?.[0].length), [6, 12]);
  await Deno.remove(path);
});

Deno.test("askerHeaders() says as whom the API server is to take it, each group for itself", async () => {
  const impersonated = {
    user: "ops",
    uid: "7",
    groups: ["a", "b"],
    extra: { "example.com/Scope": ["x", "y"] },
  };

  assert.deepEqual(await askerHeaders({ token: "t", impersonated }), {
    authorization: "Bearer t",
    "impersonate-user": "ops",
    "impersonate-uid": "7",
    "impersonate-group": ["a", "b"],
    "impersonate-extra-example.com%2Fscope": ["x", "y"],
  });
  assert.deepEqual(await askerHeaders({ username: "u", password: "p" }), { authorization: `Basic ${btoa("u:p")}` });
  assert.deepEqual(await askerHeaders({ impersonated: {} }), {});
});
