import assert from "node:assert/strict";
import { parse } from "smol-toml";
import { z } from "zod";
import { stablePort } from "../cluster/ports.ts";
import { migratedDataDir } from "../fakes/databases.ts";
import { type Copied, layOut, monitoringBlocks } from "../pages/monitoring.ts";
import { type Prometheus, startPrometheus } from "../prometheus/prometheus.ts";
import { type Part, testWith } from "../run/parts.ts";
import { startBroker, untilReady } from "./programs.ts";
import { eventually } from "./wait.ts";
import { openWorld } from "./world.ts";

const PARTS: readonly Part[] = ["postgres", "nodes", "prometheus"];
const VERSIONS = [2, 3] as const;
/** What Prometheus takes to gather its targets. */
const FIRST_SCRAPE = { everyMs: 200 };

const Metered = z.strictObject({ metrics: z.strictObject({ port: z.int(), bearer_token_file: z.string() }) });

testWith(
  PARTS,
  "monitoring.md: its Prometheus watches both programs, whose addresses and intervals alone are changed",
  async (test) => {
    await using world = await openWorld({ parts: PARTS });
    await using copied = await layOut();
    const agentPort = new URL(world.agent.url).port;
    const addresses = {
      "broker.example:3000": new URL(world.broker.url).host,
      "agent.berlin.example:8080": `127.0.0.1:${agentPort}`,
      "agent.paris.example:8080": `localhost:${agentPort}`,
    };
    await eachVersion(test, { copied, configuration: 0, addresses }, async (prometheus) => {
      await untilUp(prometheus, ["brokkr-agent", "brokkr-agent", "brokkr-broker"]);
      await assertRules(prometheus);
      for (const { text, where } of await monitoringBlocks("promql")) {
        await prometheus.query(text).catch((error) => assert.fail(`${where}: ${error.message}`));
      }
    });
  },
);

testWith(
  "prometheus",
  "monitoring.md: its settings and its other configuration agree on a port and a token",
  async (test) => {
    await using dataDir = await migratedDataDir();
    await using copied = await layOut();
    const [settings] = await monitoringBlocks("settings");
    const { metrics } = Metered.parse(parse(settings?.text ?? ""));
    const [tokenPath, port] = [metrics.bearer_token_file.replace(/.*\//, `${copied.folder}/brokkr-`), stablePort()];
    await using broker = startBroker({
      METRICS__PORT: String(port),
      METRICS__BEARER_TOKEN_FILE: tokenPath,
      DATA_DIR: dataDir.path,
    });
    await untilReady(broker);
    const addresses = { [`broker.example:${metrics.port}`]: `127.0.0.1:${port}` };

    await eachVersion(test, { copied, configuration: 1, addresses }, async (prometheus) => {
      await untilUp(prometheus, ["brokkr-broker"]);
    });
  },
);

/** What was copied of the page, and where the programs of its examples are in truth. */
interface Pasted {
  readonly copied: Copied;
  /** Which of the page's configurations. */
  readonly configuration: number;
  readonly addresses: Readonly<Record<string, string>>;
}

async function eachVersion(
  test: Deno.TestContext,
  pasted: Pasted,
  check: (prometheus: Prometheus) => Promise<void>,
): Promise<void> {
  await Promise.all(VERSIONS.map((version) =>
    test.step({
      name: `version ${version}`,
      sanitizeOps: false,
      sanitizeResources: false,
      sanitizeExit: false,
      fn: async () => {
        await using prometheus = await startPrometheus({ version, ...await inputOf(pasted) });
        await check(prometheus);
      },
    })
  ));
}

async function inputOf({ copied, configuration, addresses }: Pasted) {
  const pasted = await Deno.readTextFile(copied.configurations[configuration]?.path ?? "");
  const config = Object.entries(addresses).reduce((text, [name, address]) => text.replace(name, address), pasted)
    .replaceAll(/(scrape|evaluation)_interval: \d+s/g, "$1_interval: 1s"); // who tests has not the time
  assert.doesNotMatch(config, /\.example\b/);
  const files = copied.rules.map(async (path) => [path.replace(/.*\//, ""), await Deno.readTextFile(path)] as const);
  return { config, files: Object.fromEntries(await Promise.all(files)) };
}

/**
 * Waits until every target was scraped: one for each of these jobs. A scrape may be given up where the machine is busy:
 * at these intervals it has a second.
 */
async function untilUp(prometheus: Prometheus, jobs: readonly string[]): Promise<void> {
  await eventually("every target is up", async () => {
    const errors = (await prometheus.targets()).map(({ lastError }) => lastError).filter((error) => error !== "");
    assert.deepEqual(errors, []);
    const up = await prometheus.query("last_over_time(up[1m]) == 1");
    assert.deepEqual(up.map(({ labels }) => labels["job"]).sort(), jobs);
    return true;
  }, FIRST_SCRAPE);
}

async function assertRules(prometheus: Prometheus): Promise<void> {
  const groups = await prometheus.rules();
  assert.deepEqual(groups.map(({ name }) => name).sort(), [
    "brokkr-agent",
    "brokkr-broker",
    "brokkr-broker-recordings",
    "brokkr-deliveries",
  ]);
  const failing = groups.flatMap(({ rules }) => rules).filter(({ health }) => health === "err");
  assert.deepEqual(failing.map(({ name, lastError }) => [name, lastError]), []);
}
