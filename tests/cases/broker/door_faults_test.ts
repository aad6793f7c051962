import assert from "node:assert/strict";
import { openBroker } from "../../../agent/doors.ts";
import { START } from "../../../agent/commands/mod.ts";
import { AGENT_DECLARATIONS } from "../../../agent/settings.ts";
import { messageOf } from "$lib/error.ts";
import { random } from "$lib/ids.ts";
import { openKubernetes } from "$lib/kubernetes.ts";
import { readSettings } from "$lib/settings.ts";
import { type Certificate, makeAuthority } from "../../fakes/certificates.ts";
import { countingMetrics } from "../../fakes/counting_metrics.ts";
import { ManualClock } from "../../fakes/manual_clock.ts";
import { silentLog } from "../../fakes/silent_log.ts";

const AGENT = "11111111-1111-4111-8111-111111111111";

interface Said {
  readonly what: string;
  readonly given: (world: World) => Given;
  readonly broker: string;
  readonly apiServer: string;
}

/** What a person may have set wrong, and what is said of it by each of the agent's two doors. */
const FAULTS: readonly Said[] = [
  {
    what: "an authority that is not the server's",
    given: ({ other }) => ({ ca: other }),
    broker:
      "Cannot POST agents/ID/heartbeat: the certificate of the broker is of no authority that is trusted here: see agent.broker_ca_file",
    apiServer:
      `Cannot read the API server's version: the certificate of the API server is of no authority that is trusted here: see certificate-authority "FOLDER/ca" of cluster "c" in "FOLDER/config"`,
  },
  {
    what: "a name that is not the server's",
    given: ({ ca }) => ({ ca, host: "localhost" }),
    broker:
      'Cannot POST agents/ID/heartbeat: the certificate of the broker is not for "localhost", but for 127.0.0.1, server.example: see agent.broker_url',
    apiServer:
      `Cannot read the API server's version: the certificate of the API server is not for "localhost", but for 127.0.0.1, server.example: see server of cluster "c" in "FOLDER/config"`,
  },
  {
    what: "a file of authorities that is none",
    given: () => ({ ca: "nothing" }),
    broker: "Cannot use agent.broker_ca_file: there is no certificate in it that can be read",
    apiServer:
      'Cannot open Kubernetes: certificate-authority "FOLDER/ca" of cluster "c" in "FOLDER/config" cannot be used: there is no certificate in it that can be read',
  },
  {
    what: "a file of authorities that is broken",
    given: () => ({ ca: "-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n" }),
    broker: "Cannot use agent.broker_ca_file: there is no certificate in it that can be read",
    apiServer:
      'Cannot open Kubernetes: certificate-authority "FOLDER/ca" of cluster "c" in "FOLDER/config" cannot be used: there is no certificate in it that can be read',
  },
  {
    what: "a key that is not the certificate's",
    given: ({ ca, client, server }) => ({ ca, client: { cert: client.cert, key: server.key } }),
    broker:
      "Cannot use agent.broker_client_cert_file and agent.broker_client_key_file: they are no certificate and key that can be read and belong together",
    apiServer:
      'Cannot open Kubernetes: client-certificate "FOLDER/cert" of user "u" in "FOLDER/config" cannot be used: they are no certificate and key that can be read and belong together',
  },
  {
    what: "a server that speaks no TLS",
    given: ({ ca }) => ({ ca, isPlain: true }),
    broker: "Cannot POST agents/ID/heartbeat: the broker speaks no TLS there, or nothing else: see agent.broker_url",
    apiServer:
      `Cannot read the API server's version: the API server speaks no TLS there, or nothing else: see server of cluster "c" in "FOLDER/config"`,
  },
];

for (const { what, given, ...said } of FAULTS) {
  Deno.test(`${what} is named with the setting that says it, in one line, by both doors`, async () => {
    await using world = await openWorld();

    const heard = { broker: await askBroker(world, given(world)), apiServer: await askApiServer(world, given(world)) };

    assert.deepEqual(heard, said);
  });
}

interface Given {
  readonly ca: string;
  readonly client?: Certificate;
  readonly host?: string;
  readonly isPlain?: boolean;
}

type World = Awaited<ReturnType<typeof openWorld>>;

/** A server that answers everything, with TLS and without; its files' folder. */
async function openWorld() {
  const [authority, other] = [await makeAuthority("one"), await makeAuthority("other")];
  const server = await authority.issue("server.example");
  const answer = () => new Response("{}", { headers: { "content-type": "application/json" } });
  const where = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const [safe, plain] = [Deno.serve({ ...where, ...server }, answer), Deno.serve(where, answer)];
  const folder = await Deno.makeTempDir();
  return {
    ca: authority.cert,
    other: other.cert,
    server,
    client: await authority.issue("client"),
    folder,
    urlOf: ({ host = "127.0.0.1", isPlain = false }: Given) => `https://${host}:${(isPlain ? plain : safe).addr.port}`,
    async write({ ca, client }: Given) {
      await Deno.writeTextFile(`${folder}/ca`, ca);
      if (client !== undefined) await Deno.writeTextFile(`${folder}/cert`, client.cert);
      if (client !== undefined) await Deno.writeTextFile(`${folder}/key`, client.key);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([safe.shutdown(), plain.shutdown()]);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function askBroker(world: World, given: Given): Promise<string> {
  const { folder } = world;
  await world.write(given);
  const args = [
    `--agent-broker-url=${world.urlOf(given)}`,
    ...["--agent-pak=p", "--agent-agent-name=a", "--agent-cluster-name=c"],
    `--agent-broker-ca-file=${folder}/ca`,
    ...(given.client === undefined
      ? []
      : [`--agent-broker-client-cert-file=${folder}/cert`, `--agent-broker-client-key-file=${folder}/key`]),
  ];
  const { settings } = readSettings(AGENT_DECLARATIONS, { args, env: {}, readFile: () => "", commands: [START] });
  const parts = { settings, env: {}, fetch, clock: new ManualClock(), random, log: silentLog() };
  const client = openBroker(parts, { connected: { record() {} } });
  return await saidBy(async () => {
    await client.beat(AGENT, {}, new AbortController().signal);
  }, world).finally(() => client.close());
}

async function askApiServer(world: World, given: Given): Promise<string> {
  const { folder } = world;
  await world.write(given);
  const user = given.client === undefined
    ? { token: "t" }
    : { "client-certificate": `${folder}/cert`, "client-key": `${folder}/key` };
  const config = {
    ...{ apiVersion: "v1", kind: "Config", "current-context": "x" },
    clusters: [{ name: "c", cluster: { server: world.urlOf(given), "certificate-authority": `${folder}/ca` } }],
    users: [{ name: "u", user }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
  };
  const kubeconfigPath = `${folder}/config`;
  await Deno.writeTextFile(kubeconfigPath, JSON.stringify(config));
  const { metrics } = countingMetrics();
  const parts = { metrics, clock: new ManualClock(), random, log: silentLog(), userAgent: "test/1" };
  return await saidBy(async () => {
    const kubernetes = await openKubernetes({ kubeconfigPath, env: {}, ...parts });
    await kubernetes.version().finally(() => kubernetes.close());
  }, world);
}

/** What is logged of a failure: its message and those of its causes, without what is another each time. */
async function saidBy(ask: () => Promise<void>, { folder }: World): Promise<string> {
  try {
    await ask();
    return "nothing";
  } catch (error) {
    return messages(error).replaceAll(folder, "FOLDER").replaceAll(AGENT, "ID");
  }
}

function messages(error: unknown): string {
  const { cause } = error as Error;
  return cause === undefined ? messageOf(error) : `${messageOf(error)} <- ${messages(cause)}`;
}
