import assert from "node:assert/strict";
import { systemClock } from "$lib/clock.ts";
import type { Log } from "$lib/log.ts";
import type { RequestHandler } from "$lib/serve.ts";
import { silentLog } from "../tests/fakes/silent_log.ts";
import { type AdminSocketOptions, openAdminSocket } from "./admin_socket.ts";
import { adminSocketPath } from "./commands/socket_door.ts";
import { socketDoor } from "./commands/socket_door.ts";

const hello: RequestHandler = () => Promise.resolve(new Response("hello"));

interface Place extends AsyncDisposable {
  readonly options: AdminSocketOptions;
  readonly warnings: readonly string[];
}

async function place(below = "data"): Promise<Place> {
  const folder = await Deno.makeTempDir();
  const warnings: string[] = [];
  const log: Log = { ...silentLog(), warn: (message, fields) => warnings.push(`${message}: ${fields?.error}`) };
  return {
    options: { dataDir: `${folder}/${below}`, clock: systemClock(), log },
    warnings,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

async function asked(dataDir: string): Promise<string | undefined> {
  await using door = await socketDoor(dataDir);
  return await (await door?.fetch(new Request("http://broker/")))?.text();
}

Deno.test("openAdminSocket() makes the folder and serves there, for its owner only, until it is stopped", async () => {
  await using at = await place();
  const { dataDir } = at.options;

  const socket = await openAdminSocket(hello, at.options);
  const { mode } = await Deno.stat(adminSocketPath(dataDir));
  const answer = await asked(dataDir);
  const files = [...Deno.readDirSync(dataDir)].map(({ name }) => name).sort();
  await socket?.stop();

  assert.equal((mode ?? 0) & 0o777, 0o600);
  assert.equal(answer, "hello");
  assert.deepEqual(files, ["admin.lock", "admin.sock"]);
  assert.equal(await asked(dataDir), undefined);
  assert.deepEqual([...Deno.readDirSync(dataDir)].map(({ name }) => name), ["admin.lock"]);
  assert.deepEqual(at.warnings, []);
});

Deno.test("openAdminSocket() takes the place of a socket that a killed broker left behind", async () => {
  await using at = await place();
  const { dataDir } = at.options;
  await Deno.mkdir(dataDir);
  const killed = Deno.listen({ transport: "unix", path: `${dataDir}/other` });
  await Deno.rename(`${dataDir}/other`, adminSocketPath(dataDir)); // closing does not remove it from there
  killed.close();
  await Deno.mkdir(`${dataDir}/.admin`);
  assert.ok((await Deno.lstat(adminSocketPath(dataDir))).isSocket);
  const before = await asked(dataDir);

  const socket = await openAdminSocket(hello, at.options);
  const after = await asked(dataDir);
  await socket?.stop();

  assert.deepEqual([before, after], [undefined, "hello"]);
});

Deno.test("openAdminSocket() leaves a folder to the broker that serves there already", async () => {
  await using at = await place();
  const first = await openAdminSocket(hello, at.options);

  const second = await openAdminSocket(() => Promise.resolve(new Response("another")), at.options);
  const answer = await asked(at.options.dataDir);
  await first?.stop();

  assert.equal(second, undefined);
  assert.equal(answer, "hello");
  assert.match(at.warnings.join(), /another broker does/);
});

Deno.test("openAdminSocket() warns where it can't serve, and the broker goes on", async () => {
  await using unwritable = await place();
  await using long = await place("x".repeat(120));
  await Deno.writeTextFile(unwritable.options.dataDir, "a file where the folder should be");

  assert.equal(await openAdminSocket(hello, unwritable.options), undefined);
  assert.equal(await openAdminSocket(hello, long.options), undefined);

  assert.equal(unwritable.warnings.length, 1);
  assert.match(long.warnings.join(), /a socket's path has at most 107 bytes/);
  assert.equal(await asked(long.options.dataDir), undefined);
});
