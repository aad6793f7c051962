import assert from "node:assert/strict";
import { newPak } from "$lib/ids.ts";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import { RotatedPak } from "$lib/wire/common.ts";
import type { SecretScanner } from "./secret_scanner.ts";
import { runCommand } from "./programs.ts";
import type { World } from "./world.ts";

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

/**
 * Keys of every role are made, rotated and tried after their end, by the API and by commands over the admin's socket.
 *
 * @returns The key of another agent, `spare` in `cluster`.
 */
export async function changeKeys(world: World, scanner: SecretScanner): Promise<string> {
  const { admin, broker } = world;
  const { generator, pak } = await admin.send(CreateGeneratorResponse, "POST", "/generators", { name: "shop" });
  const rotated = await admin.send(RotatedPak, "POST", `/generators/${generator.id}/rotate-pak`);
  const agent = await byCommand(world, scanner, "create agent --name spare --cluster-name cluster");
  const ended = [
    scanner.addKey("a generator's first key", pak),
    scanner.addKey("an agent's first key", agent.pak),
  ];
  const spare = await byCommand(world, scanner, `rotate agent --id ${agent.id}`);
  const good = [scanner.addKey("a generator's new key", rotated.pak), spare.pak];
  await tryKeys(broker.url, scanner, { good, ended: [...ended, scanner.addKey("a key that never was", newPak())] });
  await misuseKey(world, scanner, rotated.pak);
  await refuseCommands(world, scanner);
  return spare.pak;
}

/** The admin's key is rotated twice: answers the last one, with which alone the admin can ask after this. */
export async function changeAdminKey(world: World, scanner: SecretScanner): Promise<string> {
  const { pak } = await byCommand(world, scanner, "rotate admin");
  const body = JSON.stringify({ name: "last" });
  const answer = await viaSocket(world, scanner, { method: "POST", path: "/admin/rotate-pak", body });
  const last = scanner.addKey("the admin's last key", RotatedPak.parse(JSON.parse(answer)).pak);
  await tryKeys(world.broker.url, scanner, { good: [last], ended: [pak, world.adminPak] });
  return last;
}

async function tryKeys(
  url: string,
  scanner: SecretScanner,
  { good, ended }: { readonly good: readonly string[]; readonly ended: readonly string[] },
): Promise<void> {
  for (const [paks, status] of [[good, 200], [ended, 401]] as const) {
    for (const pak of paks.flatMap((pak) => [pak, `Bearer ${pak}`])) {
      const answer = await scanner.ask(`${url}/api/v1/auth/pak`, { method: "POST", headers: { authorization: pak } });
      assert.equal(answer.status, status);
    }
  }
}

/** Sends a key that is good where none belongs: in a path, in a query, as a name of what there is to set. */
async function misuseKey({ broker, agentId, adminPak }: World, scanner: SecretScanner, pak: string): Promise<void> {
  const headers = { authorization: adminPak, "content-type": "application/json" };
  const api = `${broker.url}/api/v1`;
  const asked = [
    ...["GET", "DELETE", "FROB"].flatMap((method) => [
      { method, url: `${api}/agents/${pak}` },
      { method, url: `${api}/${pak}` },
      { method, url: `${broker.url}/${pak}` },
    ]),
    { method: "GET", url: `${api}/agents?name=${pak}&cluster_name=` },
    { method: "GET", url: `${api}/agent-events?limit=${pak}&cursor=${pak}` },
    { method: "GET", url: `${api}/agents/${agentId}/labels/${pak}` },
    { method: "DELETE", url: `${api}/agents/${agentId}/labels/${pak}` },
    ...[{ name: [pak] }, { name: "x", [pak]: 1 }, { name: "x", status: pak }, { status: pak }, pak, {
      label: `${pak} `,
    }]
      .flatMap((body) => [
        { method: "POST", url: `${api}/generators`, body: JSON.stringify(body) },
        { method: "PUT", url: `${api}/agents/${agentId}`, body: JSON.stringify(body) },
        { method: "POST", url: `${api}/agents/${agentId}/labels`, body: JSON.stringify(body) },
      ]),
    { method: "POST", url: `${api}/generators`, body: `{"name": "${pak}` },
    { method: "POST", url: `${api}/generators`, body: `{"name": ${pak}}` },
  ];
  for (const { url, ...init } of asked) {
    const { status } = await scanner.ask(url, {
      headers,
      ...init,
      what: new URL(url).pathname.replaceAll(pak, "<key>"),
    });
    assert.ok(status < 500, `${init.method} ${url}: ${status}`);
  }
}

/** Commands that are refused, a key among their words. */
async function refuseCommands(world: World, scanner: SecretScanner): Promise<void> {
  const pak = scanner.addKey("a key among a command's words", newPak());
  const refused = [
    "create agent --name spare --cluster-name cluster",
    `create agent --name ${pak}`,
    `create generator --name x --key=${pak}`,
    `rotate ${pak}`,
    `rotate agent --id ${pak}`,
    `rotate agent ${pak}`,
  ];
  for (const words of refused) {
    const { code, stdout, stderr } = await runCommand("broker", words.split(" "), world.servers.databaseSettings);
    assert.equal(code, 1, stderr);
    scanner.record(`brokkr-broker ${words.replace(pak, "<key>")}`, stdout + stderr);
  }
  for (const path of [`/agents/${pak}`, `/${pak}`]) await viaSocket(world, scanner, { method: "GET", path });
}

/** A command that makes a key: that one alone may be said, on standard output. */
async function byCommand(
  { servers }: World,
  scanner: SecretScanner,
  words: string,
): Promise<{ pak: string; id: string }> {
  const { code, stdout, stderr } = await runCommand("broker", words.split(" "), servers.databaseSettings);
  assert.equal(code, 0, stderr);
  const pak = scanner.addKey(`the key that \`${words.split(" --")[0]}\` made`, stdout.trim());
  scanner.record(`brokkr-broker ${words}`, stdout.replace(pak, "") + stderr);
  return { pak, id: UUID.exec(stderr)?.[0] ?? "" };
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

/** Asks as the admin, over the broker's socket; a key that is made there is not heard, all else is. */
async function viaSocket({ servers }: World, scanner: SecretScanner, { path, ...init }: Asked): Promise<string> {
  const socket = `${servers.databaseSettings.DATA_DIR}/admin.sock`;
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
  const answer = await fetch(`http://broker/api/v1${path}`, { client, ...init });
  const text = await answer.text();
  const made = RotatedPak.safeParse(answer.ok ? JSON.parse(text) : undefined).data?.pak;
  scanner.record(`admin.sock: ${answer.status}`, made === undefined ? text : text.replace(made, ""));
  return text;
}
