/**
 * Kills the broker (SIGKILL) at random moments while clients write, starts it again on the same data, and counts
 * acknowledged writes that are gone. On the embedded database and on PostgreSQL.
 *
 * usage: deno task bench kill [kills per database, default 100]
 */
import { z } from "zod";
import { type Answer, type Api, apiClient } from "../system/api.ts";
import { adminKey } from "../system/keys.ts";
import { type Program, type Settings, startBroker, untilReady } from "../system/programs.ts";
import { findPostgres, startPostgres } from "../postgres/postgres_server.ts";

const WRITERS = 4;
const LONGEST_RUN_MS = 1500;

interface Tally {
  kills: number;
  acknowledged: number;
  lost: number;
}

const Named = z.object({ id: z.string(), name: z.string() });

/** Kills and counts on one database; the settings name it. */
async function killOften(kills: number, database: Settings): Promise<Tally> {
  const { pak, pakHash } = await adminKey();
  const settings = { ...database, BROKER__PAK_HASH: pakHash, LOG__LEVEL: "warn" };
  const tally: Tally = { kills: 0, acknowledged: 0, lost: 0 };
  const acknowledged = new Set<string>();
  let generatorId: string | undefined;
  while (tally.kills < kills) {
    await using broker = startBroker(settings);
    await untilReady(broker);
    const api = apiClient(broker.url, pak);
    generatorId ??=
      (await api.send(z.object({ generator: Named }), "POST", "/generators", { name: "bench" })).generator.id;
    tally.lost += await missing(api, acknowledged);
    await writeUntilKilled(broker, { api, generatorId, acknowledged });
    tally.kills += 1;
  }
  await using broker = startBroker(settings);
  await untilReady(broker);
  tally.lost += await missing(apiClient(broker.url, pak), acknowledged);
  return { ...tally, acknowledged: acknowledged.size };
}

interface Writing {
  readonly api: Api;
  readonly generatorId: string;
  readonly acknowledged: Set<string>;
}

async function writeUntilKilled(broker: Program, writing: Writing): Promise<void> {
  const state = { isKilled: false };
  const writers = Array.from({ length: WRITERS }, () => write(writing, state));
  await new Promise((resolve) => setTimeout(resolve, Math.random() * LONGEST_RUN_MS));
  await broker.kill();
  state.isKilled = true;
  await Promise.all(writers);
}

async function write({ api, generatorId, acknowledged }: Writing, state: { isKilled: boolean }): Promise<void> {
  while (!state.isKilled) {
    const name = crypto.randomUUID();
    const answer: Answer | undefined = await api.call("POST", "/stacks", { name, generator_id: generatorId })
      .catch(() => undefined);
    if (answer?.status === 201) acknowledged.add(name);
  }
}

async function missing(api: Api, acknowledged: ReadonlySet<string>): Promise<number> {
  const stacks = await api.send(z.array(Named), "GET", "/stacks");
  const there = new Set(stacks.map(({ name }) => name));
  return [...acknowledged].filter((name) => !there.has(name)).length;
}

async function main(kills: number): Promise<number> {
  const dataDir = await Deno.makeTempDir({ prefix: "brokkr-kill-" });
  const rows: [string, Tally][] = [["embedded", await killOften(kills, { DATA_DIR: dataDir })]];
  await Deno.remove(dataDir, { recursive: true });
  const binaries = await findPostgres();
  if (binaries === undefined) console.log("PostgreSQL: left out, there is no server (deno task setup adds it)");
  else {
    await using server = await startPostgres(binaries, { durable: true });
    rows.push(["PostgreSQL", await killOften(kills, { DATABASE__URL: server.url })]);
  }
  console.table(Object.fromEntries(rows));
  return rows.some(([, { lost, acknowledged }]) => lost > 0 || acknowledged === 0) ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main(Number(Deno.args[0] ?? 100)));
