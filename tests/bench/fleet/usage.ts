import type { PostgresServer } from "../../postgres/postgres_server.ts";
import { processorUs, residentMiB } from "../process.ts";

const EVERY_MS = 1_000;

/** What brokers and their database took while something was measured. */
export interface Usage {
  /** Processors busy, on average: all brokers, and the database with all its processes. */
  readonly brokerCores: number;
  readonly databaseCores: number;
  /** MiB of the largest broker, each second. */
  readonly brokerMiB: readonly number[];
  /** MiB of the database at the end, shared pages once. */
  readonly databaseMiB: number;
}

/** Watches processes from now until it is ended. */
export async function watchUsage(
  server: PostgresServer,
  brokers: () => readonly number[],
): Promise<() => Promise<Usage>> {
  const postmaster = await postmasterOf(server);
  const brokerMiB: number[] = [];
  const takenUs = new Map<number, { first: number; last: number }>();
  const look = async () => {
    brokerMiB.push(Math.max(...await Promise.all(brokers().map(residentMiB))));
    for (const pid of [...brokers(), ...await familyOf(postmaster)]) {
      const us = await processorUs(pid).catch(() => undefined);
      if (us !== undefined) takenUs.set(pid, { first: takenUs.get(pid)?.first ?? us, last: us });
    }
  };
  await look();
  const startMs = performance.now();
  const timer = setInterval(() => void look().catch(() => {}), EVERY_MS);
  return async () => {
    clearInterval(timer);
    await look();
    const us = (performance.now() - startMs) * 1_000;
    const cores = (of: (pid: number) => boolean) =>
      [...takenUs].filter(([pid]) => of(pid)).reduce((sum, [, { first, last }]) => sum + last - first, 0) / us;
    const isBroker = (pid: number) => brokers().includes(pid);
    return {
      brokerCores: cores(isBroker),
      databaseCores: cores((pid) => !isBroker(pid)),
      brokerMiB,
      databaseMiB: await proportionalMiB(await familyOf(postmaster)),
    };
  };
}

async function postmasterOf(server: PostgresServer): Promise<number> {
  const [row] = await server.asSuperuser((sql) => sql<{ data_directory: string }[]>`show data_directory`);
  return Number((await Deno.readTextFile(`${row?.data_directory}/postmaster.pid`)).split("\n")[0]);
}

async function familyOf(parent: number): Promise<number[]> {
  const children = await Deno.readTextFile(`/proc/${parent}/task/${parent}/children`);
  return [parent, ...children.split(" ").filter((each) => each !== "").map(Number)];
}

async function proportionalMiB(pids: readonly number[]): Promise<number> {
  const kib = await Promise.all(pids.map(async (pid) => {
    const text = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`).catch(() => "");
    return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0);
  }));
  return kib.reduce((sum, each) => sum + each, 0) / 1_024;
}
