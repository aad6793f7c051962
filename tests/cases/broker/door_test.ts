import assert from "node:assert/strict";
import { openBroker } from "../../../agent/doors.ts";
import { AGENT_DECLARATIONS } from "../../../agent/settings.ts";
import { START } from "../../../agent/commands/mod.ts";
import { REQUEST_TIMEOUT_MS } from "../../../agent/broker_client.ts";
import { random } from "$lib/ids.ts";
import { readSettings } from "$lib/settings.ts";
import { type Certificate, makeAuthority } from "../../fakes/certificates.ts";
import { ManualClock } from "../../fakes/manual_clock.ts";
import { startRelay } from "../../fakes/relay.ts";
import { silentLog } from "../../fakes/silent_log.ts";
import { waitFor } from "../../run/wait.ts";

const AGENT = "11111111-1111-4111-8111-111111111111";

Deno.test("a frozen HTTP/2 connection to the broker is replaced after one deadline", async () => {
  const authority = await makeAuthority("one");
  await using broker = startBroker(await authority.issue());
  await using relay = startRelay(broker);
  const { client, clock, beat } = await doorTo(`https://127.0.0.1:${relay.port}`, { ca: authority.cert });
  await beat();
  const others = [poll(client), poll(client)];
  await until("both polls are on their way", () => broker.asked() === 3);

  relay.freezeOpen();
  const frozen = assert.rejects(beat(), { code: "broker_unavailable" });
  await clock.settle(); // it is on its way, and its deadline is set
  await clock.advance(REQUEST_TIMEOUT_MS);
  await frozen;
  await beat();

  for (const other of await Promise.allSettled(others)) assert.equal(other.status, "rejected");
  assert.deepEqual([broker.beats(), relay.taken], [2, 2]);
  client.close();
});

Deno.test("an authority of the broker's certificate that is replaced is read again, and kept while its file is gone", async () => {
  const [old, next] = [await makeAuthority("old"), await makeAuthority("new")];
  await using broker = startBroker(await next.issue());
  const files = { ca: old.cert, client: await old.issue("agent") };
  const { client, clock, beat, write } = await doorTo(`https://127.0.0.1:${broker.port}`, files);

  await assert.rejects(beat(), /of no authority that is trusted here: see agent\.broker_ca_file$/);
  await write({ ca: next.cert, client: await next.issue("agent") });
  await clock.advance(5_000);
  await beat();
  await Deno.remove(await write({ ca: next.cert }), { recursive: true });
  await clock.advance(5_000);
  await beat();

  assert.equal(broker.beats(), 2);
  client.close();
});

Deno.test("an authority that cannot be read is named", async () => {
  const { client, beat, write } = await doorTo("https://127.0.0.1:1", { ca: "" });
  await Deno.remove(await write({ ca: "" }), { recursive: true });

  await assert.rejects(beat(), { code: "broker_unavailable", message: /^Cannot read agent\.broker_ca_file: / });
  client.close();
});

Deno.test("the broker is reached through the proxy of the environment, unless that says otherwise", async () => {
  await using proxy = startBroker();
  const env = { HTTP_PROXY: `127.0.0.1:${proxy.port}` };
  const proxied = await doorTo("http://broker.example", { env });
  const direct = await doorTo("http://broker.invalid", { env: { ...env, NO_PROXY: "broker.invalid" } });

  await proxied.beat();
  await assert.rejects(direct.beat(), { code: "broker_unavailable" });

  assert.deepEqual(proxy.hosts(), ["broker.example"]);
  proxied.client.close();
  direct.client.close();
});

/** A broker that takes heartbeats and answers nothing else. */
function startBroker(tls?: Certificate) {
  const hosts: string[] = [];
  let asked = 0;
  const stopping = new AbortController();
  const server = Deno.serve({
    ...{ hostname: "127.0.0.1", port: 0, onListen() {}, signal: stopping.signal },
    ...(tls ?? {}),
  }, (request) => {
    asked += 1;
    if (!request.url.endsWith("/heartbeat")) return new Promise<Response>(() => {});
    hosts.push(new URL(request.url).hostname);
    return new Response(null, { status: 204 });
  });
  return {
    port: server.addr.port,
    asked: () => asked,
    beats: () => hosts.length,
    hosts: () => hosts,
    [Symbol.asyncDispose]() {
      stopping.abort();
      return Promise.resolve();
    },
  };
}

interface Surroundings {
  readonly ca?: string;
  readonly client?: Certificate;
  readonly env?: Readonly<Record<string, string>>;
}

/** The agent's door to the broker, with its files in a folder. */
async function doorTo(url: string, { env = {}, ...files }: Surroundings) {
  const folder = await Deno.makeTempDir();
  const write = async ({ ca, client }: Surroundings) => {
    if (ca !== undefined) await Deno.writeTextFile(`${folder}/ca`, ca);
    if (client !== undefined) await Deno.writeTextFile(`${folder}/cert`, client.cert);
    if (client !== undefined) await Deno.writeTextFile(`${folder}/key`, client.key);
    return folder;
  };
  await write(files);
  const args = [
    ...[`--agent-broker-url=${url}`, "--agent-pak=p", "--agent-agent-name=a", "--agent-cluster-name=c"],
    "--agent-allow-insecure-broker=true",
    ...(files.ca === undefined ? [] : [`--agent-broker-ca-file=${folder}/ca`]),
    ...(files.client === undefined
      ? []
      : [`--agent-broker-client-cert-file=${folder}/cert`, `--agent-broker-client-key-file=${folder}/key`]),
  ];
  const sources = { args, env: {}, readFile: () => "", commands: [START] as const };
  const { settings } = readSettings(AGENT_DECLARATIONS, sources);
  const clock = new ManualClock();
  const parts = { settings, env, fetch, clock, random, log: silentLog() };
  const client = openBroker(parts, { connected: { record() {} } });
  const { signal } = new AbortController();
  return { client, clock, write, beat: () => client.beat(AGENT, {}, signal) };
}

function poll(client: ReturnType<typeof openBroker>): Promise<unknown> {
  const polled = client.poll(AGENT, undefined, new AbortController().signal);
  polled.catch(() => {});
  return polled;
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  await waitFor(() => Promise.resolve(isSo() ? true : undefined), { what: `see that ${what}` });
}
