import { StackSubmission } from "$lib/wire/stack.ts";
import { alignedTable } from "../../demo/table.ts";
import { configMap } from "../../system/bundles.ts";
import { eventually } from "../../system/wait.ts";
import type { World } from "../../system/world.ts";
import { familyUs, postmasterOf } from "../database_process.ts";
import { makeFleet } from "../hot_paths/fleet.ts";
import { Connection } from "../hot_paths/connection.ts";
import { requestBytes } from "../hot_paths/paths.ts";
import { processorUs } from "../process.ts";

const AGENTS = 500;
const OBJECTS = 10;
/** Each is measured so often, in turns: the medians count. */
const TRIALS = 5;
/** Agents that report at the same time: one alone, and as many as a fleet's reports meet one another. */
const AT_ONCE = [1, 16] as const;
const ROLLOUT_MAX = 2;
const UNCHANGED_MAX = 0.3;

/** What is measured in turns: a request that only says whose key it has, and reports as agents send them. */
const KINDS = ["key", "applied", "progressing", "healthy", "again"] as const;
type Kind = (typeof KINDS)[number];

/** Microseconds of a processor for one request. */
interface Taken {
  readonly brokerUs: number;
  readonly databaseUs: number;
}

interface Reporter {
  readonly id: string;
  readonly pak: string;
  readonly boot: string;
  seq: number;
}

/**
 * What a broker and its database, not who asks, take of their processors for a rollout whose agents report that it is
 * applied and progressing, and then healthy, to one whose agents report that it is applied; and for a report without a
 * change to one with. What every request takes, HTTP and the look at its key, is in both and is shown apart.
 */
export async function measureReports(world: World): Promise<readonly string[]> {
  const { broker, admin, adminPak, servers: { postgres } } = world;
  if (postgres === undefined) throw new Error("Cannot measure reports: the database is not PostgreSQL");
  const fleet = await makeFleet(broker.url, {
    ...{ adminPak, agentCount: AGENTS, stackCount: 1, generatorName: "reporters" },
  });
  const [stackId = ""] = fleet.stackIds;
  const reporters = fleet.agents.map((agent): Reporter => ({ ...agent, boot: crypto.randomUUID(), seq: 0 }));
  const postmaster = await postmasterOf(postgres);
  const submit = async (name: string) => {
    await admin.call("POST", `/stacks/${stackId}/deployment-objects`, { yaml_content: configMap(name) });
    await eventually("every agent is to have it", async () => {
      const [newest] = await admin.send(StackSubmission.array(), "GET", `/stacks/${stackId}/history?limit=1`);
      return newest?.agents_desired === AGENTS;
    });
  };
  const faults: string[] = [];
  for (const atOnce of AT_ONCE) {
    const round = async (kind: Kind): Promise<Taken> => {
      const before = { broker: await processorUs(broker.pid), database: await familyUs(postmaster) };
      await askAll(broker.url, reporters.map((reporter) => requestOf(kind, reporter, stackId)), atOnce);
      const per = (us: number) => us / reporters.length;
      return {
        brokerUs: per(await processorUs(broker.pid) - before.broker),
        databaseUs: per(await familyUs(postmaster) - before.database),
      };
    };
    const trials: Record<Kind, Taken>[] = [];
    for (let trial = 0; trial < TRIALS; trial += 1) {
      await submit(`alone-${atOnce}-${trial}`);
      const [key, applied] = [await round("key"), await round("applied")];
      await submit(`healthy-${atOnce}-${trial}`);
      const [progressing, healthy] = [await round("progressing"), await round("healthy")];
      trials.push({ key, applied, progressing, healthy, again: await round("again") });
    }
    faults.push(...judged(trials, atOnce));
  }
  return faults;
}

async function askAll(url: string, requests: readonly Uint8Array[], atOnce: number): Promise<void> {
  const queue = requests.values();
  await Promise.all(Array.from({ length: atOnce }, async () => {
    using connection = await Connection.open(url);
    for (const request of queue) {
      const answer = await connection.ask(request);
      if (answer.status >= 300) throw new Error(`Cannot measure: a request is answered ${answer.status}`);
    }
  }));
}

function judged(trials: readonly Record<Kind, Taken>[], atOnce: number): readonly string[] {
  const middle = (kind: Kind): Taken => ({
    brokerUs: median(trials.map((trial) => trial[kind].brokerUs)),
    databaseUs: median(trials.map((trial) => trial[kind].databaseUs)),
  });
  const [key, applied, progressing, healthy, again] = KINDS.map(middle).map(wholeUs);
  if (key === undefined || applied === undefined || progressing === undefined) throw new Error("There was no trial");
  if (healthy === undefined || again === undefined) throw new Error("There was no trial");
  const rows = KINDS.map((kind) => {
    const taken = middle(kind);
    return [NAMES[kind], ...[taken.brokerUs, taken.databaseUs, wholeUs(taken)].map((us) => us.toFixed(0))];
  });
  console.log(`${atOnce} at a time, µs of a processor:`);
  console.log(alignedTable(["", "broker", "database", "both"], rows).join("\n"));
  const own = (us: number) => Math.max(0, us - key);
  const ratios = [
    {
      name: "a rollout with health to one without",
      ratio: (progressing + healthy) / applied,
      ownRatio: (own(progressing) + own(healthy)) / own(applied),
      max: ROLLOUT_MAX,
    },
    {
      name: "a report without a change to one with",
      ratio: again / progressing,
      ownRatio: own(again) / own(progressing),
      max: UNCHANGED_MAX,
    },
  ];
  for (const { name, ratio, ownRatio, max } of ratios) {
    console.log(`${name}: ${ratio.toFixed(2)}, and ${ownRatio.toFixed(2)} without HTTP and the key; at most ${max}`);
  }
  return ratios.filter(({ ratio, max }) => ratio > max)
    .map(({ name, ratio, max }) => `${atOnce} at a time, ${name}: ${ratio.toFixed(2)}, limit ${max}`);
}

const NAMES: Readonly<Record<Kind, string>> = {
  key: "HTTP and the key alone",
  applied: "that it is applied",
  progressing: "that it is applied and progressing",
  healthy: "that it is healthy now",
  again: "the same once more",
};

function wholeUs({ brokerUs, databaseUs }: Taken): number {
  return brokerUs + databaseUs;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function requestOf(kind: Kind, reporter: Reporter, stackId: string): Uint8Array {
  const { id, pak, boot } = reporter;
  if (kind === "key") return requestBytes("POST", "/api/v1/auth/pak", { pak });
  const health = { applied: undefined, progressing: "progressing", healthy: "healthy", again: "healthy" }[kind];
  const at = new Date().toISOString();
  const results = Array.from({ length: OBJECTS }, (_, number) => ({
    ...{ group: "apps", version: "v1", kind: "Deployment", namespace: "shop", name: `web-${number}` },
    action: health === "healthy" ? "unchanged" : "configured",
    ...(health === undefined ? {} : { health, health_at: at }),
  }));
  const body = {
    ...{ agent_id: id, stack_id: stackId, boot_id: boot, seq: ++reporter.seq, attempts: 0, state: "applied", results },
    ...(health === undefined ? {} : { health: { status: health, at } }),
  };
  return requestBytes("POST", `/api/v1/agents/${id}/events`, { pak, body });
}
