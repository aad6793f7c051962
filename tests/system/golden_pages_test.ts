import assert from "node:assert/strict";
import { type Clock, systemClock } from "$lib/clock.ts";
import { newId, random } from "$lib/ids.ts";
import { createRegistry } from "$lib/metrics.ts";
import { type Component, observeProcess } from "$lib/process_metrics.ts";
import { resourceOf } from "$lib/resource.ts";
import { readSettings, type Setting, variableOf } from "$lib/settings.ts";
import { disabledTracing } from "$lib/tracing.ts";
import { CreateAgentResponse } from "$lib/wire/agent.ts";
import { createAgent } from "../../agent/agent.ts";
import { AGENT_DECLARATIONS } from "../../agent/settings.ts";
import { type Broker, createBroker } from "../../broker/broker.ts";
import { DECLARATIONS } from "../../broker/settings.ts";
import { startSimulatedCluster } from "../fakes/cluster/mod.ts";
import { migratedDataDir, open } from "../fakes/databases.ts";
import { silentLog } from "../fakes/silent_log.ts";
import { eventually } from "./wait.ts";

const FOLDER = new URL("../golden/", import.meta.url);
/** `deno task golden` writes them anew. */
const isUpdate = Deno.args.includes("--update");
const OPENMETRICS = "application/openmetrics-text";

Deno.test("both programs' pages at their start are what tests/golden holds", async () => {
  const clock = systemClock();
  await using broker = await startedBroker(clock);
  await mustBeGolden("broker.metrics.txt", await pageOf(broker, "text/plain"));
  await using cluster = await startSimulatedCluster();
  await using agent = await startedAgent(clock, { broker, kubeconfigPath: cluster.kubeconfigPath });

  await eventually("the agent has planned", async () => /^brokkr_agent_prunes_blocked /m.test(await pageOf(agent)));

  await mustBeGolden("agent.metrics.txt", await pageOf(agent, OPENMETRICS));
});

type Fetch = (request: Request) => Promise<Response>;

async function pageOf({ fetch }: { readonly fetch: Fetch }, accept = "*/*"): Promise<string> {
  const answer = await fetch(new Request("http://program/metrics", { headers: { accept } }));
  assert.equal(answer.status, 200);
  return await answer.text();
}

async function mustBeGolden(name: string, page: string): Promise<void> {
  const file = new URL(name, FOLDER);
  if (isUpdate) await Deno.writeTextFile(file, blanked(page));
  const kept = await Deno.readTextFile(file);
  assert.deepEqual(
    blanked(page).split("\n"),
    kept.split("\n"),
    `tests/golden/${name} is stale: run "deno task golden"`,
  );
}

/** A page without its values, and without what every build changes. */
function blanked(page: string): string {
  return page.replaceAll(/^([^#\n].*) \S+$/gm, "$1 _")
    .replaceAll(/\b((?:service_|deno_)?version|revision)="[^"]*"/g, '$1="_"');
}

/** What a program is made of, as `runProgram` makes it; its page says of the process what every program's does. */
function partsOf(component: Component, clock: Clock) {
  const log = silentLog();
  const registry = createRegistry({ clock, log });
  const more = component === "agent" && { more: { "k8s.cluster.name": "prod" } };
  const resource = resourceOf({ component, env: {}, newId: () => "one", log, ...more });
  return { registry, log, clock, endObservation: observeProcess(registry, { clock, component, resource }) };
}

function envOf(settings: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [variableOf(key), value]));
}

function read<D extends readonly Setting[]>(declarations: Parameters<typeof readSettings<D>>[0], given: object) {
  return readSettings(declarations, { args: [], env: envOf({ ...given }), readFile: () => "" }).settings;
}

async function startedBroker(clock: Clock): Promise<Broker & AsyncDisposable> {
  const dataDir = await migratedDataDir();
  const { endObservation, ...parts } = partsOf("broker", clock);
  const broker = createBroker({
    ...parts,
    tracing: disabledTracing(),
    settings: read(DECLARATIONS, { "broker.listen": "127.0.0.1:0", "data_dir": dataDir.path }),
    openDatabase: (metrics) => open({ url: undefined, dataDir: dataDir.path }, { metrics }),
  });
  await broker.start();
  await broker.ready;
  return {
    ...broker,
    async [Symbol.asyncDispose]() {
      await broker.stop();
      endObservation();
      await dataDir[Symbol.asyncDispose]();
    },
  };
}

interface Neighbours {
  readonly broker: Broker;
  readonly kubeconfigPath: string;
}

async function startedAgent(clock: Clock, { broker, kubeconfigPath }: Neighbours) {
  const { endObservation, ...parts } = partsOf("agent", clock);
  const agent = await createAgent({
    ...{ ...parts, env: {}, random, newId },
    fetch: (input, init) => broker.fetch(new Request(input, init)),
    settings: read(AGENT_DECLARATIONS, {
      "agent.broker_url": "http://127.0.0.1",
      "agent.pak": await newAgentPak(broker),
      "agent.agent_name": "edge",
      "agent.cluster_name": "prod",
      "agent.kubeconfig_path": kubeconfigPath,
      "agent.health_address": "127.0.0.1",
      "agent.health_port": "0",
    }),
  });
  await agent.start();
  return {
    ...agent,
    async [Symbol.asyncDispose]() {
      await agent.stop();
      endObservation();
    },
  };
}

async function newAgentPak({ admin }: Broker): Promise<string> {
  const headers = { "content-type": "application/json" };
  async function ask(method: string, path: string, body: unknown): Promise<unknown> {
    const request = new Request(`http://broker/api/v1${path}`, { method, headers, body: JSON.stringify(body) });
    return await (await admin(request)).json();
  }
  const { agent, initial_pak } = CreateAgentResponse.parse(
    await ask("POST", "/agents", { name: "edge", cluster_name: "prod" }),
  );
  await ask("PUT", `/agents/${agent.id}`, { status: "ACTIVE" });
  return initial_pak;
}
