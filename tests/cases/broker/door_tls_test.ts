import assert from "node:assert/strict";
import { openBroker } from "../../../agent/doors.ts";
import { START } from "../../../agent/commands/mod.ts";
import { AGENT_DECLARATIONS } from "../../../agent/settings.ts";
import { random } from "$lib/ids.ts";
import { readSettings } from "$lib/settings.ts";
import { startAskingServer } from "../../fakes/asking_server.ts";
import { type Certificate, makeAuthority } from "../../fakes/certificates.ts";
import { ManualClock } from "../../fakes/manual_clock.ts";
import { silentLog } from "../../fakes/silent_log.ts";

const AGENT = "11111111-1111-4111-8111-111111111111";

Deno.test("a broker that asks for a client certificate gets the agent's, also after its files were rotated", async () => {
  const authority = await makeAuthority("one");
  await using broker = await startAskingServer(authority);
  await using door = await doorTo(broker.port, { ca: authority.cert, client: await authority.issue("first") });

  await door.beat();
  await door.write({ client: await authority.issue("second") });
  await door.clock.advance(5_000);
  await door.beat();

  assert.deepEqual(broker.shown, ["first", "second"]);
});

Deno.test("a broker that asks for a client certificate takes none of another authority, and no agent without one", async () => {
  const [authority, other] = [await makeAuthority("one"), await makeAuthority("other")];
  await using broker = await startAskingServer(authority);
  await using bare = await doorTo(broker.port, { ca: authority.cert });
  await using foreign = await doorTo(broker.port, { ca: authority.cert, client: await other.issue("foreign") });

  for (const { beat } of [bare, foreign]) await assert.rejects(beat(), { code: "broker_unavailable" });

  assert.deepEqual(broker.shown, []);
});

interface Files {
  readonly ca?: string;
  readonly client?: Certificate;
}

async function doorTo(port: number, files: Files) {
  const folder = await Deno.makeTempDir();
  const write = async ({ ca, client }: Files) => {
    if (ca !== undefined) await Deno.writeTextFile(`${folder}/ca`, ca);
    if (client !== undefined) await Deno.writeTextFile(`${folder}/cert`, client.cert);
    if (client !== undefined) await Deno.writeTextFile(`${folder}/key`, client.key);
  };
  await write(files);
  const shown = ["cert", "key"].map((file) => `--agent-broker-client-${file}-file=${folder}/${file}`);
  const args = [
    ...[`--agent-broker-url=https://127.0.0.1:${port}`, "--agent-pak=p", "--agent-agent-name=a"],
    ...["--agent-cluster-name=c", `--agent-broker-ca-file=${folder}/ca`],
    ...(files.client === undefined ? [] : shown),
  ];
  const { settings } = readSettings(AGENT_DECLARATIONS, { args, env: {}, readFile: () => "", commands: [START] });
  const clock = new ManualClock();
  const client = openBroker({ settings, env: {}, fetch, clock, random, log: silentLog() }, {
    connected: { record() {} },
  });
  return {
    clock,
    write,
    beat: () => client.beat(AGENT, {}, new AbortController().signal),
    async [Symbol.asyncDispose]() {
      client.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}
