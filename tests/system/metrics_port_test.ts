import assert from "node:assert/strict";
import { stablePort } from "../cluster/ports.ts";
import { migratedDataDir } from "../fakes/databases.ts";
import { NOBODYS_KUBECONFIG } from "../fakes/kubeconfig.ts";
import { readSamples } from "./metrics_page.ts";
import { type Program, type Settings, startAgent, startBroker } from "./programs.ts";
import { eventually } from "./wait.ts";

/** Before any program of this file; the kernel's own clock may be a second off. */
const BEFORE_MS = Date.now() - 1_000;

interface Metered {
  readonly program: Program;
  /** Where its page is. */
  readonly page: string;
  readonly tokenPath: string;
}

async function meteredSettings(folder: string): Promise<{ settings: Settings; page: string; tokenPath: string }> {
  const [port, tokenPath] = [stablePort(), `${folder}/token`];
  await Deno.writeTextFile(tokenPath, "first\n");
  const settings = { METRICS__PORT: String(port), METRICS__BEARER_TOKEN_FILE: tokenPath };
  return { settings, page: `http://127.0.0.1:${port}/metrics`, tokenPath };
}

async function scrape(page: string, token: string): Promise<number> {
  const answer = await fetch(page, { headers: { authorization: `Bearer ${token}` } });
  await answer.body?.cancel();
  return answer.status;
}

/** What holds of both programs, started as their tasks start them, with the permissions that these have. */
async function mustBeApart({ program, page, tokenPath }: Metered): Promise<void> {
  await eventually("the page is served", () => scrape(page, "first").then((status) => status === 200, () => false));
  assert.equal(await scrape(page, "wrong"), 401);
  assert.equal(await scrape(`${program.url}/metrics`, "first"), 404);
  assert.equal(await scrape(page.replace("/metrics", "/healthz"), "first"), 404);
  await Deno.writeTextFile(tokenPath, "second\n");
  assert.deepEqual([await scrape(page, "first"), await scrape(page, "second")], [401, 200]);
  await mustHoldProcessMetrics(page);
  assert.doesNotMatch(program.output(), /first|second/);
  assert.equal(await program.stop(), 0);
  await assert.rejects(fetch(page), TypeError);
}

async function mustHoldProcessMetrics(page: string): Promise<void> {
  const look = async () => {
    const answer = await fetch(page, { headers: { authorization: "Bearer second" } });
    return readSamples(await answer.text());
  };
  const before = await look();
  const after = await eventually("the event loop was looked at again", async () => {
    const samples = await look();
    return of(samples, "deno_event_loop_lag_seconds_count") > of(before, "deno_event_loop_lag_seconds_count")
      ? samples
      : undefined;
  });
  assert.equal(of(after, "brokkr_metrics_series"), after.size);
  assert.ok(of(after, "brokkr_metrics_scrape_duration_seconds") > 0);
  assert.ok(of(after, "process_cpu_seconds_total") > of(before, "process_cpu_seconds_total"));
  assert.ok(of(after, "process_resident_memory_bytes") > of(after, "deno_heap_used_bytes"));
  const startedMs = of(after, "process_start_time_seconds") * 1_000;
  assert.ok(startedMs > BEFORE_MS && startedMs < Date.now(), `it started at ${new Date(startedMs).toISOString()}`);
}

function of(samples: ReadonlyMap<string, number>, series: string): number {
  return samples.get(series) ?? assert.fail(`${series} is not on the page`);
}

Deno.test("the broker's page is on a port of its own, for whoever brings the token as it is now", async () => {
  await using dataDir = await migratedDataDir();
  const { settings, page, tokenPath } = await meteredSettings(dataDir.path);
  await using program = startBroker({ ...settings, DATA_DIR: dataDir.path });

  await mustBeApart({ program, page, tokenPath });
});

Deno.test("the agent's page is on a port of its own, for whoever brings the token as it is now", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const { settings, page, tokenPath } = await meteredSettings(folder);
    await Deno.writeTextFile(`${folder}/kubeconfig`, NOBODYS_KUBECONFIG);
    await using program = startAgent({
      ...settings,
      AGENT__BROKER_URL: "http://127.0.0.1:1",
      AGENT__PAK: "brokkr_BRabc_secret",
      AGENT__AGENT_NAME: "edge",
      AGENT__CLUSTER_NAME: "prod",
      AGENT__KUBECONFIG_PATH: `${folder}/kubeconfig`,
    });

    await mustBeApart({ program, page, tokenPath });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a program whose token file is not there does not start, and says which", async () => {
  await using program = startBroker({ METRICS__BEARER_TOKEN_FILE: "/nowhere/token" });

  assert.equal(await program.ended, 1);

  assert.match(program.output(), /metrics\.bearer_token_file names "\/nowhere\/token", which can't be read/);
});
