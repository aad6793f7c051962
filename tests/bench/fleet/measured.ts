import { cpus, totalmem } from "node:os";
import { Measurements, MODES, type Result } from "../../../docs/generate/scale/measurement.ts";
import { findPostgres } from "../../postgres/postgres_server.ts";

const GIB = 1024 ** 3;

/** What is measured on, in words. */
export async function thisMachine(): Promise<string> {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? "unknown";
  const postgres = (await findPostgres())?.major;
  const parts = [`${processors.length} × ${model}`, `${Math.round(totalmem() / GIB)} GiB`];
  return [...parts, `PostgreSQL ${postgres}`, `Deno ${Deno.version.deno}`].join(", ");
}

/**
 * Puts results into a file: beside what is there of the same machine, in place of what was measured of the same kind.
 *
 * @throws When the file is of another machine: what is compared must come from one.
 */
export async function keepResults(path: string, { machine, results }: Measurements): Promise<void> {
  const before = await readMeasurements(path);
  if (before !== undefined && before.machine !== machine) {
    throw new Error(`Cannot add to ${path}: it is of another machine, ${before.machine}`);
  }
  const isSame = (one: Result, other: Result) => keyOf(one) === keyOf(other);
  const kept = before?.results.filter((one) => !results.some((other) => isSame(one, other))) ?? [];
  const all = [...kept, ...results].sort((one, other) =>
    MODES.indexOf(one.mode) - MODES.indexOf(other.mode) || one.brokers - other.brokers || one.agents - other.agents
  );
  await Deno.writeTextFile(path, written({ machine, results: all }));
}

async function readMeasurements(path: string): Promise<Measurements | undefined> {
  try {
    return Measurements.parse(JSON.parse(await Deno.readTextFile(path)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function keyOf({ mode, agents, brokers }: Result): string {
  return [mode, agents, brokers].join();
}

/** A line for each result, so that what changed is seen. */
function written({ machine, results }: Measurements): string {
  const lines = results.map((result) => JSON.stringify(result)).join(",\n");
  return `{ "machine": ${JSON.stringify(machine)}, "results": [\n${lines}\n] }\n`;
}
