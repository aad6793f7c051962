import assert from "node:assert/strict";
import { RotatedPak } from "$lib/wire/common.ts";
import { writeKubeconfig } from "../fakes/cluster/kubeconfig.ts";
import { apiClient } from "./api.ts";
import { SecretScanner } from "./secret_scanner.ts";
import type { Program, Settings } from "./programs.ts";
import { startSecretReceiver } from "./secret_receiver.ts";
import { changeAdminKey, changeKeys } from "./secret_keys.ts";
import { submitSecrets } from "./secret_manifests.ts";
import { misconfigure } from "./secret_settings.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const TEXT: Settings = { LOG__LEVEL: "debug", LOG__FORMAT: "text" };
const JSON_LINES: Settings = { LOG__LEVEL: "debug", LOG__FORMAT: "json" };

story(
  "20: no key, Secret manifest, connection string or token in a log line, metric, trace, exemplar, error body or event",
  EVERYWHERE,
  async (parts) => {
    const scanner = new SecretScanner();
    const folder = await Deno.makeTempDir({ prefix: "brokkr-secrets-" });
    await using end = new AsyncDisposableStack();
    end.defer(() => Deno.remove(folder, { recursive: true }));
    const tokenFile = `${folder}/token`;
    await Deno.writeTextFile(tokenFile, scanner.addSecret("the token of scrapes", "hush-scrape"));
    const [ofBroker, ofAgent] = parts.length === 0 ? [TEXT, JSON_LINES] : [JSON_LINES, TEXT];
    const receiver = end.use(startSecretReceiver(scanner));
    const metrics = { METRICS__BEARER_TOKEN_FILE: tokenFile, METRICS__REFRESH_INTERVAL: "1", ...receiver.settings };
    await using world = await openWorld({
      parts,
      startsAgent: false,
      brokerSettings: ({ databaseSettings }) => ({
        ...ofBroker,
        ...metrics,
        ...withPassword(databaseSettings, scanner),
      }),
      agentSettings: { ...ofAgent, METRICS__BEARER_TOKEN_FILE: tokenFile, ...receiver.settings },
    });
    scanner.addKey("the first admin's key", world.adminPak);
    scanner.addKey("the generator's key", world.generatorPak);
    scanner.addKey("the agent's key", world.agentPak);
    await world.startAgent({ AGENT__KUBECONFIG_PATH: await kubeconfigOf(world, scanner, folder) });

    const sparePak = await changeKeys(world, scanner);
    await Promise.all([
      submitSecrets(world, scanner),
      // Neither the database nor the cluster has a part in it: once is enough.
      parts.length > 0 || misconfigure(scanner, { folder, sparePak, log: ofAgent, brokerUrl: world.broker.url }),
    ]);
    await stopDatabase(world, scanner);
    await scrapeBoth(world, scanner, tokenFile);
    await readEverything(world, scanner);
    await stopBoth(world, scanner, await changeAdminKey(world, scanner));
    receiver.record();

    scanner.assertNoSecret();
  },
);

/** The database's URL with a password, which the server does not ask for. */
function withPassword({ DATABASE__URL: url }: Settings, scanner: SecretScanner): Settings {
  if (url === undefined) return {};
  const password = scanner.addSecret("the database's password", "hush-database");
  return { DATABASE__URL: url.replace("@", `:${password}@`) };
}

/** The simulated cluster asks for no token: it may be any. */
async function kubeconfigOf({ servers, cluster }: World, scanner: SecretScanner, folder: string): Promise<string> {
  if (servers.simulated !== undefined) {
    const token = scanner.addSecret("the kubeconfig's token", "hush-cluster");
    return await writeKubeconfig(servers.simulated.url, token, { dir: folder });
  }
  scanner.addSecret("the kubeconfig's token", servers.controlPlane?.token ?? assert.fail("no cluster"));
  return cluster.kubeconfigPath;
}

/** What is asked while the database is away is answered in words, and so is why. */
async function stopDatabase(
  { servers: { postgres }, broker, generatorPak }: World,
  scanner: SecretScanner,
): Promise<void> {
  if (postgres === undefined) return;
  await postgres.stop();
  const headers = { authorization: generatorPak };
  await eventually("the broker misses its database", async () => {
    for (const path of ["/api/v1/stacks", "/metrics"]) await scanner.ask(`${broker.url}${path}`, { headers });
    return (await scanner.ask(`${broker.url}/readyz`)).status === 503;
  });
  await postgres.start();
  await eventually("the broker is ready", async () => (await scanner.ask(`${broker.url}/readyz`)).status === 200);
}

/** Scrapes with the right token, with wrong ones, and while nobody can read which is right. */
async function scrapeBoth({ broker, agent }: World, scanner: SecretScanner, tokenFile: string): Promise<void> {
  const token = await Deno.readTextFile(tokenFile);
  const wrong = scanner.addSecret("a wrong token of scrapes", "hush-wrong-scrape");
  const statuses = async (token: string) => {
    const headers = { authorization: `Bearer ${token}`, accept: "application/openmetrics-text; version=1.0.0" };
    const answers = [broker, agent].map(({ url }) => scanner.ask(`${url}/metrics`, { headers }));
    return (await Promise.all(answers)).map(({ status }) => status);
  };
  assert.deepEqual([await statuses(token), await statuses(wrong)], [[200, 200], [401, 401]]);
  await Deno.remove(tokenFile);
  assert.deepEqual(await statuses(token), [503, 503]);
}

/** Everything that the API tells of deliveries and of keys, and the rows themselves where they can be read. */
async function readEverything(world: World, scanner: SecretScanner): Promise<void> {
  const { broker, agent, agentId, adminPak, servers: { postgres } } = world;
  const headers = { authorization: adminPak, "x-note": scanner.addSecret("a header of a request", "hush-header") };
  const query = scanner.addSecret("a query of a request", "hush-query");
  const paths = ["agents", "generators", "stacks", "agent-events", "paks", `agents/${agentId}`].map((path) =>
    `/api/v1/${path}`
  );
  const ofAgent = ["events", "snapshot", "stacks", "registrations"].map((path) => `/api/v1/agents/${agentId}/${path}`);
  for (const path of [...paths, ...ofAgent, "/docs", "/docs/openapi.json", "/readyz"]) {
    const { status } = await scanner.ask(`${broker.url}${path}?note=${query}`, { headers, what: path });
    assert.equal(status, 200, path);
  }
  await scanner.ask(`${agent.url}/readyz`);
  await postgres?.asSuperuser(async (sql) => {
    scanner.record("rows of events", JSON.stringify(await sql`select * from agent_events`));
    scanner.record("rows of deliveries", JSON.stringify(await sql`select * from deliveries`));
  }, postgres.database);
}

/** The agent's key ends while it is used; then both programs end, and what they wrote is heard whole. */
async function stopBoth(world: World, scanner: SecretScanner, admin: string): Promise<void> {
  const { broker, agent, agentId } = world;
  const rotation = await apiClient(broker.url, admin).send(RotatedPak, "POST", `/agents/${agentId}/rotate-pak`);
  scanner.addKey("the agent's new key", rotation.pak);
  await eventually("the agent's key has ended", async () => {
    return (await scanner.ask(`${agent.url}/readyz`)).text.includes("unauthorized");
  });
  assert.match(agent.output(), /stack unchanged/, "debug lines are there");
  for (const [name, program] of Object.entries({ broker, agent })) {
    assert.equal(await program.stop(), 0);
    assertWhole(program);
    scanner.record(`the ${name}'s log`, program.output());
  }
}

function assertWhole(program: Program): void {
  for (const words of [/ starting/, / stopping/]) assert.match(program.output(), words);
}
