import type { Sql } from "postgres";
import { familyOf, postmasterOf } from "../database_process.ts";
import { busyUs, processorUs, residentMiB } from "../process.ts";
import type { FleetWorld } from "./world.ts";

const EVERY_MS = 1_000;

/** What brokers, their database and the fleet took while something was measured. */
export interface Usage {
  /** Processors busy, on average: all brokers, the database with all its processes, what plays the agents. */
  readonly brokerCores: number;
  readonly databaseCores: number;
  readonly fleetCores: number;
  /** Processors that everything else on the machine kept busy. */
  readonly otherCores: number;
  /** MiB of the largest broker, each second. */
  readonly brokerMiB: readonly number[];
  /** MiB of the database at the end, shared pages once. */
  readonly databaseMiB: number;
  readonly commits: number;
  /** Bytes that the database wrote to its log. */
  readonly walBytes: number;
}

/** Watches what takes part in a world from now until it is ended. */
export async function watchUsage(world: FleetWorld): Promise<() => Promise<Usage>> {
  const { server, database, brokers, fleet } = world;
  const written = () => server.asSuperuser(writtenBy, database.database);
  const before = await written();
  const postmaster = await postmasterOf(server);
  const brokerMiB: number[] = [];
  const taken = { broker: new Processors(), database: new Processors(), fleet: new Processors() };
  const look = async () => {
    brokerMiB.push(Math.max(...await Promise.all(brokers().map(residentMiB))));
    await taken.broker.look(brokers());
    await taken.database.look(await familyOf(postmaster));
    await taken.fleet.look(fleet.pids);
  };
  await look();
  const machineUs = await busyUs();
  const startMs = performance.now();
  const timer = setInterval(() => void look().catch(() => {}), EVERY_MS);
  return async () => {
    clearInterval(timer);
    await look();
    const us = (performance.now() - startMs) * 1_000;
    const after = await written();
    const ownUs = taken.broker.us + taken.database.us + taken.fleet.us;
    return {
      brokerCores: taken.broker.us / us,
      databaseCores: taken.database.us / us,
      fleetCores: taken.fleet.us / us,
      otherCores: Math.max(0, await busyUs() - machineUs - ownUs) / us,
      brokerMiB,
      databaseMiB: await proportionalMiB(await familyOf(postmaster)),
      commits: after.commits - before.commits,
      walBytes: after.walBytes - before.walBytes,
    };
  };
}

/** What processes took of processors since they were first seen, those that have ended meanwhile too. */
class Processors {
  readonly #seen = new Map<number, { first: number; last: number }>();

  async look(pids: readonly number[]): Promise<void> {
    for (const pid of pids) {
      const us = await processorUs(pid).catch(() => undefined);
      if (us !== undefined) this.#seen.set(pid, { first: this.#seen.get(pid)?.first ?? us, last: us });
    }
  }

  get us(): number {
    return [...this.#seen.values()].reduce((sum, { first, last }) => sum + last - first, 0);
  }
}

async function writtenBy(sql: Sql): Promise<{ commits: number; walBytes: number }> {
  const [row] = await sql<{ commits: number; wal_bytes: number }[]>`
    select xact_commit::float8 as commits, pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 as wal_bytes
    from pg_stat_database where datname = current_database()`;
  return { commits: row?.commits ?? 0, walBytes: row?.wal_bytes ?? 0 };
}

async function proportionalMiB(pids: readonly number[]): Promise<number> {
  const kib = await Promise.all(pids.map(async (pid) => {
    const text = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`).catch(() => "");
    return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0);
  }));
  return kib.reduce((sum, each) => sum + each, 0) / 1_024;
}
