import assert from "node:assert/strict";
import { stablePort } from "../cluster/ports.ts";
import { makeAuthority, type TlsFiles, tlsFiles } from "../fakes/certificates.ts";
import { migratedDataDir } from "../fakes/databases.ts";
import { NOBODYS_KUBECONFIG } from "../fakes/kubeconfig.ts";
import { knownAdmin } from "../fakes/brokers.ts";
import { startPrometheus } from "../prometheus/prometheus.ts";
import { longTest, testWith } from "../run/parts.ts";
import { type Program, runCommand, type Settings, startAgent, startBroker } from "./programs.ts";
import { scrapeConfig } from "./scrape_config.ts";
import { eventually } from "./wait.ts";

const AUTHORITY = await makeAuthority("Brokkr test CA");

function settingsOf({ tls }: TlsFiles, dataDir: string): Settings {
  return { DATA_DIR: dataDir, BROKER__TLS_CERT_FILE: tls.certFile, BROKER__TLS_KEY_FILE: tls.keyFile };
}

async function untilReady({ url, output }: Program, client: Deno.HttpClient): Promise<void> {
  await eventually(`${url} is ready`, async () => {
    const answer = await fetch(`${url}/readyz`, { client }).catch(() => undefined);
    await answer?.body?.cancel();
    return answer?.status === 200;
  }).catch((error) => assert.fail(`${error}\n${output()}`));
}

longTest(
  "a broker with TLS is healthy, known to an agent with its authority's file, and takes a new certificate",
  async () => {
    await using dataDir = await migratedDataDir();
    await using files = await tlsFiles(await AUTHORITY.issue());
    using client = Deno.createHttpClient({ caCerts: [AUTHORITY.cert] });
    const [admin, port] = [await knownAdmin(), stablePort()];
    const settings = { ...settingsOf(files, dataDir.path), BROKER__LISTEN: `127.0.0.1:${port}` };
    await using broker = startBroker({ ...settings, BROKER__PAK_HASH: admin.env.BROKKR__BROKER__PAK_HASH ?? "" }, {
      port,
    });
    await untilReady(broker, client);

    const health = await runCommand("broker", ["healthcheck"], settings);
    assert.deepEqual([health.code, health.stderr.trim()], [0, `${broker.url}/healthz answers 200 OK`]);

    const pak = await createdAgent(broker.url, { client, admin: admin.pak });
    await using agent = await connectedAgent(broker.url, { pak, folder: files.folder });
    await eventually("the agent reaches the broker", async () => {
      return /^brokkr_agent_broker_connected 1$/m.test(await (await fetch(`${agent.url}/metrics`)).text());
    });

    const asked = await asksWith(["--ca-file", `${files.folder}/ca.crt`], broker.url, { pak: admin.pak, files });
    const stranger = await asksWith([], broker.url, { pak: admin.pak, files });
    assert.deepEqual([asked.code, asked.stdout.split("\n")[1]?.split(/ +/)[0]], [0, "edge"], asked.stderr);
    assert.deepEqual([stranger.code, stranger.stdout], [1, ""]);
    assert.match(stranger.stderr, /^Cannot reach the broker https:.*--ca-file.*\n$/);

    const later = await makeAuthority("Later CA");
    await files.replace(await later.issue());
    using laterClient = Deno.createHttpClient({ caCerts: [later.cert] });
    await untilReady(broker, laterClient);
    assert.doesNotMatch(broker.output() + agent.output(), /PRIVATE KEY/);
    assert.equal(await broker.stop(), 0);
  },
);

longTest(
  "a broker that wants clients' certificates gives nothing to an agent without one, and all to one that shows it",
  async () => {
    await using dataDir = await migratedDataDir();
    await using files = await tlsFiles(await AUTHORITY.issue());
    await Deno.writeTextFile(`${files.folder}/ca.crt`, AUTHORITY.cert);
    const own = await AUTHORITY.issue("edge");
    using client = Deno.createHttpClient({ caCerts: [AUTHORITY.cert], ...own });
    const [admin, port] = [await knownAdmin(), stablePort()];
    const settings = { ...settingsOf(files, dataDir.path), BROKER__LISTEN: `127.0.0.1:${port}` };
    await using broker = startBroker({
      ...settings,
      BROKER__TLS_CLIENT_CA_FILE: `${files.folder}/ca.crt`,
      BROKER__PAK_HASH: admin.env.BROKKR__BROKER__PAK_HASH ?? "",
    }, { port });
    await untilReady(broker, client);
    assert.equal((await runCommand("broker", ["healthcheck"], settings)).code, 0);
    const pak = await createdAgent(broker.url, { client, admin: admin.pak });
    const connected = async (agent: Program) =>
      /^brokkr_agent_broker_connected (\d)$/m.exec(await (await fetch(`${agent.url}/metrics`)).text())?.[1];

    await using stranger = await connectedAgent(broker.url, { pak, folder: files.folder });
    await eventually(
      "it is told why",
      () => /a client certificate of an authority that is trusted here/.test(stranger.output()),
    );
    assert.equal(await connected(stranger), "0");
    await stranger.stop();

    await Deno.writeTextFile(`${files.folder}/client.crt`, own.cert);
    await Deno.writeTextFile(`${files.folder}/client.key`, own.key);
    await using agent = await connectedAgent(broker.url, {
      ...{ pak, folder: files.folder },
      more: {
        AGENT__BROKER_CLIENT_CERT_FILE: `${files.folder}/client.crt`,
        AGENT__BROKER_CLIENT_KEY_FILE: `${files.folder}/client.key`,
      },
    });
    await eventually("the agent reaches the broker", async () => await connected(agent) === "1");
    const ca = ["--ca-file", `${files.folder}/ca.crt`];
    const shown = [
      "--client-cert-file",
      `${files.folder}/client.crt`,
      "--client-key-file",
      `${files.folder}/client.key`,
    ];
    const without = await asksWith(ca, broker.url, { pak: admin.pak, files });
    assert.deepEqual([without.code, without.stdout], [1, ""]);
    assert.match(without.stderr, /certificate .*\(see --client-cert-file and --client-key-file\)\n$/);
    assert.equal((await asksWith([...ca, ...shown], broker.url, { pak: admin.pak, files })).code, 0);
    const keyless = await fetch(`${broker.url}/api/v1/agents`, { client });
    assert.deepEqual([keyless.status, (await keyless.json()).code], [401, "unauthorized"]);
  },
);

/** The command line, with the admin's key in a file. */
async function asksWith(flags: readonly string[], url: string, { pak, files }: { pak: string; files: TlsFiles }) {
  await Deno.writeTextFile(`${files.folder}/pak`, pak, { mode: 0o600 });
  const connection = ["--broker-url", url, "--pak-file", `${files.folder}/pak`];
  return await runCommand("broker", ["get", "agents", ...connection, ...flags], {});
}

async function createdAgent(url: string, { client, admin }: { client: Deno.HttpClient; admin: string }) {
  const answer = await fetch(`${url}/api/v1/agents`, {
    ...{ client, method: "POST", headers: { authorization: admin, "content-type": "application/json" } },
    body: JSON.stringify({ name: "edge", cluster_name: "prod" }),
  });
  return (await answer.json()).initial_pak;
}

async function connectedAgent(
  url: string,
  { pak, folder, more = {} }: { pak: string; folder: string; more?: Settings },
): Promise<Program> {
  await Deno.writeTextFile(`${folder}/ca.crt`, AUTHORITY.cert);
  await Deno.writeTextFile(`${folder}/kubeconfig`, NOBODYS_KUBECONFIG);
  return startAgent({
    AGENT__BROKER_URL: url,
    AGENT__BROKER_CA_FILE: `${folder}/ca.crt`,
    AGENT__PAK: pak,
    AGENT__AGENT_NAME: "edge",
    AGENT__CLUSTER_NAME: "prod",
    AGENT__KUBECONFIG_PATH: `${folder}/kubeconfig`,
    ...more,
  });
}

longTest("a broker whose certificate can't be used does not start, and says which file is at fault", async () => {
  await using files = await tlsFiles({ ...await AUTHORITY.issue(), key: "not a key" });
  await using program = startBroker(settingsOf(files, files.folder));
  await using half = startBroker({ BROKER__TLS_KEY_FILE: files.tls.keyFile });
  await using authority = startBroker({ BROKER__TLS_CLIENT_CA_FILE: files.tls.certFile });

  assert.deepEqual([await program.ended, await half.ended, await authority.ended], [1, 1, 1]);

  assert.match(program.output(), new RegExp(`"${files.tls.keyFile}" holds no private key that can be used`));
  assert.match(half.output(), /broker\.tls_key_file is set: it wants broker\.tls_cert_file/);
  assert.match(authority.output(), /broker\.tls_client_ca_file is set: it wants broker\.tls_cert_file/);
  assert.doesNotMatch(program.output(), /not a key/);
});

testWith(["prometheus"], "Prometheus scrapes a broker with TLS, on the API's port and on one of its own", async () => {
  await using dataDir = await migratedDataDir();
  await using files = await tlsFiles(await AUTHORITY.issue());
  using client = Deno.createHttpClient({ caCerts: [AUTHORITY.cert] });
  const caFile = `${files.folder}/ca.crt`;
  await Deno.writeTextFile(caFile, AUTHORITY.cert);
  const settings = settingsOf(files, dataDir.path);
  await using main = startBroker(settings);
  await untilReady(main, client);
  await using prometheus = await startPrometheus({
    version: 3,
    config: scrapeConfig([{ job: "main", url: `${main.url}/metrics`, caFile }], { interval: "1s" }),
  });
  await eventually("it is up", async () => (await prometheus.query('up{job="main"}'))[0]?.value === 1);
  await main.stop();

  const port = stablePort();
  await using apart = startBroker({ ...settings, METRICS__PORT: String(port) });
  await untilReady(apart, client);
  await prometheus.reload({
    config: scrapeConfig([{ job: "apart", url: `https://127.0.0.1:${port}/metrics`, caFile }], { interval: "1s" }),
  });
  await eventually("its own port is up", async () => (await prometheus.query('up{job="apart"}'))[0]?.value === 1);
});
