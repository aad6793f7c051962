import assert from "node:assert/strict";
import { newPak } from "$lib/ids.ts";
import { CreateGeneratorResponse } from "$lib/wire/generator.ts";
import { RotatedPak } from "$lib/wire/common.ts";
import type { Ears } from "./ears.ts";
import { runCommand } from "./programs.ts";
import type { World } from "./world.ts";

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

/**
 * Keys of every role are made, rotated and tried after their end, by the API and by commands over the admin's socket.
 *
 * @returns The key of another agent, `spare` in `cluster`.
 */
export async function changeKeys(world: World, ears: Ears): Promise<string> {
  const { admin, broker } = world;
  const { generator, pak } = await admin.send(CreateGeneratorResponse, "POST", "/generators", { name: "shop" });
  const rotated = await admin.send(RotatedPak, "POST", `/generators/${generator.id}/rotate-pak`);
  const agent = await byCommand(world, ears, "create agent --name spare --cluster-name cluster");
  const ended = [
    ears.keepKey("a generator's first key", pak),
    ears.keepKey("an agent's first key", agent.pak),
  ];
  const spare = await byCommand(world, ears, `rotate agent --id ${agent.id}`);
  const good = [ears.keepKey("a generator's new key", rotated.pak), spare.pak];
  await tryKeys(broker.url, ears, { good, ended: [...ended, ears.keepKey("a key that never was", newPak())] });
  await misuseKey(world, ears, rotated.pak);
  await refuseCommands(world, ears);
  return spare.pak;
}

/** The admin's key is rotated twice: answers the last one, with which alone the admin can ask after this. */
export async function changeAdminKey(world: World, ears: Ears): Promise<string> {
  const { pak } = await byCommand(world, ears, "rotate admin");
  const body = JSON.stringify({ name: "last" });
  const answer = await viaSocket(world, ears, { method: "POST", path: "/admin/rotate-pak", body });
  const last = ears.keepKey("the admin's last key", RotatedPak.parse(JSON.parse(answer)).pak);
  await tryKeys(world.broker.url, ears, { good: [last], ended: [pak, world.adminPak] });
  return last;
}

async function tryKeys(
  url: string,
  ears: Ears,
  { good, ended }: { readonly good: readonly string[]; readonly ended: readonly string[] },
): Promise<void> {
  for (const [paks, status] of [[good, 200], [ended, 401]] as const) {
    for (const pak of paks.flatMap((pak) => [pak, `Bearer ${pak}`])) {
      const answer = await ears.ask(`${url}/api/v1/auth/pak`, { method: "POST", headers: { authorization: pak } });
      assert.equal(answer.status, status);
    }
  }
}

/** Sends a key that is good where none belongs: in a path, in a query, as a name of what there is to set. */
async function misuseKey({ broker, agentId, adminPak }: World, ears: Ears, pak: string): Promise<void> {
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
    const { status } = await ears.ask(url, { headers, ...init, what: new URL(url).pathname.replaceAll(pak, "<key>") });
    assert.ok(status < 500, `${init.method} ${url}: ${status}`);
  }
}

/** Commands that are refused, a key among their words. */
async function refuseCommands(world: World, ears: Ears): Promise<void> {
  const pak = ears.keepKey("a key among a command's words", newPak());
  const refused = [
    "create agent --name spare --cluster-name cluster",
    `create agent --name ${pak}`,
    `create generator --name x --key=${pak}`,
    `rotate ${pak}`,
    `rotate agent --id ${pak}`,
  ];
  for (const words of refused) {
    const { code, stdout, stderr } = await runCommand("broker", words.split(" "), world.ground.databaseSettings);
    assert.equal(code, 1, stderr);
    ears.hear(`brokkr-broker ${words.replace(pak, "<key>")}`, stdout + stderr);
  }
  for (const path of [`/agents/${pak}`, `/${pak}`]) await viaSocket(world, ears, { method: "GET", path });
}

/** A command that makes a key: that one alone may be said, on standard output. */
async function byCommand({ ground }: World, ears: Ears, words: string): Promise<{ pak: string; id: string }> {
  const { code, stdout, stderr } = await runCommand("broker", words.split(" "), ground.databaseSettings);
  assert.equal(code, 0, stderr);
  const pak = ears.keepKey(`the key that \`${words.split(" --")[0]}\` made`, stdout.trim());
  ears.hear(`brokkr-broker ${words}`, stdout.replace(pak, "") + stderr);
  return { pak, id: UUID.exec(stderr)?.[0] ?? "" };
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

/** Asks as the admin, over the broker's socket; a key that is made there is not heard, all else is. */
async function viaSocket({ ground }: World, ears: Ears, { path, ...init }: Asked): Promise<string> {
  const socket = `${ground.databaseSettings.DATA_DIR}/admin.sock`;
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
  const answer = await fetch(`http://broker/api/v1${path}`, { client, ...init });
  const text = await answer.text();
  const made = RotatedPak.safeParse(answer.ok ? JSON.parse(text) : undefined).data?.pak;
  ears.hear(`admin.sock: ${answer.status}`, made === undefined ? text : text.replace(made, ""));
  return text;
}
