import { existsSync } from "node:fs";
import { cacheFolder } from "../cluster/binaries.ts";

/** PgBouncer as `deno task setup` unpacked it. */
export interface PgBouncerBinaries {
  readonly pgbouncer: string;
  /** Where the libraries are that it wants beside the system's. */
  readonly libraries: string;
}

/** Where it is kept. */
export function pgBouncerFolder(): string {
  return `${cacheFolder()}/pgbouncer`;
}

/** The program that `deno task setup` brought; `undefined` when it is missing. Only looks whether files exist. */
export function locatePgBouncer(): PgBouncerBinaries | undefined {
  const folder = pgBouncerFolder();
  const found = { pgbouncer: `${folder}/pgbouncer`, libraries: `${folder}/lib` };
  return existsSync(found.pgbouncer) && existsSync(found.libraries) ? found : undefined;
}
