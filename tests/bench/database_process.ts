import type { PostgresServer } from "../postgres/postgres_server.ts";
import { processorUs } from "./process.ts";

/** The process of a server that starts all its others. */
export async function postmasterOf(server: Pick<PostgresServer, "asSuperuser">): Promise<number> {
  const [row] = await server.asSuperuser((sql) => sql<{ data_directory: string }[]>`show data_directory`);
  return Number((await Deno.readTextFile(`${row?.data_directory}/postmaster.pid`)).split("\n")[0]);
}

/** A process and its children. */
export async function familyOf(parent: number): Promise<number[]> {
  const children = await Deno.readTextFile(`/proc/${parent}/task/${parent}/children`);
  return [parent, ...children.split(" ").filter((each) => each !== "").map(Number)];
}

/** Microseconds of a processor that a server's processes, those that are there now, have taken until now. */
export async function familyUs(postmaster: number): Promise<number> {
  const all = await Promise.all((await familyOf(postmaster)).map((pid) => processorUs(pid).catch(() => 0)));
  return all.reduce((sum, us) => sum + us, 0);
}
