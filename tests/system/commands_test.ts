import assert from "node:assert/strict";
import { sha256Hex } from "$lib/ids.ts";
import { VERSION } from "$lib/program/version.ts";
import { AuthResponse } from "$lib/wire/common.ts";
import { stablePort } from "../cluster/ports.ts";
import { migratedDataDir } from "../fakes/databases.ts";
import { longTest } from "../run/parts.ts";
import { apiClient } from "./api.ts";
import { type Program, runCommand, type Settings, startBroker, untilReady } from "./programs.ts";

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;
const KEY_ALONE = /^brokkr_BR\w{6}_\w+\n$/;

const NOBODY = { admin: false, agent: null, generator: null, readonly: false };
const ADMIN = { ...NOBODY, admin: true };

async function whoIs({ url }: Program, pak: string): Promise<unknown> {
  const { status, body } = await apiClient(url, pak).call("POST", "/auth/pak");
  return status === 200 ? AuthResponse.parse(body) : status;
}

/** A command that is to succeed: the key that it prints, and the id that it tells beside it. */
async function keyFrom(words: readonly string[], settings: Settings): Promise<{ pak: string; id: string }> {
  const { code, stdout, stderr } = await runCommand("broker", words, settings);
  assert.equal(code, 0, stderr);
  assert.match(stdout, KEY_ALONE);
  assert.ok(!stderr.includes(stdout.trim()));
  return { pak: stdout.trim(), id: UUID.exec(stderr)?.[0] ?? "" };
}

longTest("commands: with a broker running, they go through its socket, and keys begin and end at once", async () => {
  await using folder = await migratedDataDir();
  const settings = { DATA_DIR: folder.path };
  await using broker = startBroker(settings);
  await untilReady(broker);
  const own = (words: string) => keyFrom(words.split(" "), settings);

  const agent = await own("create agent --name eu-1 --cluster-name eu --active");
  const generator = await own("create generator --name shop");
  assert.deepEqual(await whoIs(broker, agent.pak), { ...NOBODY, agent: agent.id });
  assert.deepEqual(await whoIs(broker, generator.pak), { ...NOBODY, generator: generator.id });

  const fresh = {
    admin: await own("rotate admin"),
    agent: await own("rotate agent eu-1"),
    generator: await own("rotate generator shop"),
  };
  assert.deepEqual(await whoIs(broker, fresh.admin.pak), ADMIN);
  assert.deepEqual(await whoIs(broker, fresh.agent.pak), { ...NOBODY, agent: agent.id });
  assert.deepEqual([await whoIs(broker, agent.pak), await whoIs(broker, generator.pak)], [401, 401]);
  const byId = [await own(`rotate agent --id ${agent.id}`), await own(`rotate generator ${generator.id}`)];
  assert.deepEqual(await Promise.all(byId.map(({ pak }) => whoIs(broker, pak))), [
    ...[{ ...NOBODY, agent: agent.id }, { ...NOBODY, generator: generator.id }],
  ]);
  await refusals(settings);
});

/** A refusal is said on standard error, with every fault, and ends with 1. */
async function refusals(settings: Settings): Promise<void> {
  const nobody = "00000000-0000-4000-8000-000000000000";

  const results = await Promise.all([
    runCommand("broker", ["rotate", "agent", "--id", nobody], settings),
    runCommand("broker", ["create", "generator", "--name", "x".repeat(300)], settings),
    runCommand("broker", ["rotate", "agent"], settings),
    runCommand("broker", ["migrate"], settings),
  ]);

  assert.deepEqual(results.map(({ code, stdout }) => [code, stdout]), Array(4).fill([1, ""]));
  assert.match(results[0].stderr, /^Cannot .*00000000-0000-4000-8000-000000000000/);
  assert.match(results[1].stderr, /\n {2}name: /);
  assert.match(results[2].stderr, /^Cannot run "rotate agent": AGENT is missing: `brokkr-broker rotate agent --help` /);
  assert.match(results[3].stderr, /another process uses/);
}

longTest("commands: after a kill, they pass over the socket left behind; the next broker serves it anew", async () => {
  await using folder = await migratedDataDir();
  const settings = { DATA_DIR: folder.path };
  const socket = `${folder.path}/admin.sock`;
  const port = stablePort();
  const listening = { ...settings, BROKER__LISTEN: `127.0.0.1:${port}` };
  const killed = startBroker(settings, { port });
  await untilReady(killed);
  const alive = await runCommand("broker", ["healthcheck"], listening);
  await killed.kill();

  assert.ok((await Deno.lstat(socket)).isSocket);
  const dead = await runCommand("broker", ["healthcheck"], listening);
  const { pak } = await keyFrom(["rotate", "admin"], settings);
  await using broker = startBroker(settings, { port });
  await untilReady(broker);
  const { id } = await keyFrom(["create", "generator", "--name", "shop"], settings);
  assert.equal(((await Deno.lstat(socket)).mode ?? 0) & 0o777, 0o600);

  assert.deepEqual(await whoIs(broker, pak), ADMIN);
  assert.match(id, UUID);
  assert.equal(await broker.stop(), 0);
  await assert.rejects(Deno.lstat(socket), Deno.errors.NotFound);
  assert.deepEqual([alive.code, dead.code], [0, 1], alive.stderr + dead.stderr);
  assert.match(alive.stderr, /healthz answers 200 OK\n$/);
});

longTest("commands: a database is migrated, then has an admin, before any broker ran on it", async () => {
  const dataDir = await Deno.makeTempDir();
  const settings = { DATA_DIR: `${dataDir}/data` };

  const early = await runCommand("broker", ["rotate", "admin"], settings);
  const migration = await runCommand("broker", ["migrate"], settings);
  const { pak } = await keyFrom(["rotate", "admin"], settings);
  await using broker = startBroker(settings);
  await untilReady(broker);

  assert.equal(early.code, 1);
  assert.match(early.stderr, /another schema than this program; `migrate`/);
  assert.deepEqual([migration.code, migration.stdout], [0, ""]);
  assert.deepEqual(await whoIs(broker, pak), ADMIN);
  await assert.rejects(Deno.stat(`${settings.DATA_DIR}/admin.pak`), Deno.errors.NotFound);
  await broker.stop();
  await Deno.remove(dataDir, { recursive: true });
});

longTest("commands: without a broker, agents and generators are named on the database, too", async () => {
  await using folder = await migratedDataDir();
  const settings = { DATA_DIR: folder.path };
  const own = (words: string) => keyFrom(words.split(" "), settings);
  const generator = await own("create generator --name shop");
  const agent = await own("create agent --name eu-1 --cluster-name eu --generator-ids shop");
  await own("create agent --name eu-1 --cluster-name eu-west");
  const paris = await own(`create agent --name paris --cluster-name paris --generator-ids ${generator.id}`);

  const keys = [await own("rotate agent paris"), await own("rotate generator shop")];
  const refused = await runCommand("broker", ["rotate", "agent", "eu-1"], settings);
  const unknown = await runCommand("broker", ["rotate", "generator", "shop", "twice"], settings);
  await using broker = startBroker(settings);
  await untilReady(broker);

  assert.deepEqual(await Promise.all(keys.map(({ pak }) => whoIs(broker, pak))), [
    ...[{ ...NOBODY, agent: paris.id }, { ...NOBODY, generator: generator.id }],
  ]);
  assert.deepEqual(await whoIs(broker, paris.pak), 401);
  assert.match(refused.stderr, /2 have that name; say which by its id\n {2}\S+ in cluster "eu"\n {2}\S+ in /);
  assert.match(unknown.stderr, /"twice" is one word too many/);
  const of = async (pak: string, id: string) =>
    (await apiClient(broker.url, pak).call("GET", `/generators/${id}/registered-agents`)).body;
  const registered = await of(keys[1]?.pak ?? "", generator.id) as readonly { readonly agent_id: string }[];
  assert.deepEqual(registered.map(({ agent_id }) => agent_id), [agent.id, paris.id]);
});

longTest("commands: generate-pak prints a key, and beside it the hash that broker.pak_hash takes", async () => {
  const { code, stdout, stderr } = await runCommand("broker", ["generate-pak"], {});

  const long = stdout.trim().split("_")[2] ?? "";
  assert.equal(code, 0);
  assert.match(stdout, KEY_ALONE);
  assert.equal(stderr, `broker.pak_hash = ${await sha256Hex(long)}\n`);
});

longTest("commands: both programs explain themselves on standard output, and refuse what they don't know", async () => {
  const [broker, agent, unknown, misspelt, ...versions] = await Promise.all([
    runCommand("broker", ["rotate", "admin", "--help"], {}),
    runCommand("agent", ["--help"], {}),
    runCommand("agent", ["serve"], { AGENT__PAK: "x" }),
    runCommand("broker", ["aply", "-f", "x"], {}),
    runCommand("broker", ["--version"], {}),
    runCommand("agent", ["version"], {}),
  ]);

  assert.match(broker.stdout, /^Usage: brokkr-broker rotate admin \[flags\]\n/);
  assert.match(agent.stdout, /^Usage: brokkr-agent \[command\] \[flags\]\n[^]*--agent-broker-url/);
  assert.deepEqual([broker.code, agent.code, broker.stderr + agent.stderr], [0, 0, ""]);
  assert.deepEqual(versions.map(({ code, stdout }) => `${code} ${stdout.split(" ", 2).join(" ")}`), [
    ...[`0 brokkr-broker ${VERSION},`, `0 brokkr-agent ${VERSION},`],
  ]);
  assert.match(misspelt.stderr, /unknown command "aply"; there is apply, get agents, .*migrate/);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /unknown command "serve"; there is start, accept-epoch, healthcheck, take-over\n/);
});
