import { existsSync, readdirSync, realpathSync } from "node:fs";
import { delimiter } from "node:path";

/** The oldest PostgreSQL that the broker supports. */
export const OLDEST_MAJOR = 15;

const PACKAGED = "/usr/lib/postgresql";

/** A PostgreSQL server's programs. */
export interface PostgresBinaries {
  readonly postgres: string;
  readonly initdb: string;
  /** Its major version. */
  readonly major: number;
}

/**
 * The newest server of version 15 or later, in `PATH` or in `/usr/lib/postgresql/<major>/bin` (where Debian keeps the
 * programs out of `PATH`); `undefined` when there is none.
 */
export function locatePostgres(): PostgresBinaries | undefined {
  const found = [...foldersOfPath(), ...packagedFolders()].map(programsIn).filter((one) => one !== undefined);
  return found.filter(({ major }) => major >= OLDEST_MAJOR).toSorted((a, b) => b.major - a.major)[0];
}

/** The same as {@linkcode locatePostgres}, for callers who await. */
export function findPostgres(): Promise<PostgresBinaries | undefined> {
  return Promise.resolve(locatePostgres());
}

function foldersOfPath(): string[] {
  return (Deno.env.get("PATH") ?? "").split(delimiter).filter((folder) => folder !== "");
}

function packagedFolders(): string[] {
  if (!existsSync(PACKAGED)) return [];
  return readdirSync(PACKAGED).map((major) => `${PACKAGED}/${major}/bin`);
}

function programsIn(folder: string): PostgresBinaries | undefined {
  const [postgres, initdb] = [`${folder}/postgres`, `${folder}/initdb`];
  if (!existsSync(postgres) || !existsSync(initdb)) return undefined;
  const path = realpathSync(postgres);
  const major = majorByPath(path) ?? majorByAsking(path);
  return major === undefined ? undefined : { postgres: path, initdb: realpathSync(initdb), major };
}

function majorByPath(path: string): number | undefined {
  const major = path.startsWith(`${PACKAGED}/`) ? path.slice(PACKAGED.length + 1).split("/")[0] : undefined;
  return major === undefined ? undefined : Number(major);
}

function majorByAsking(postgres: string): number | undefined {
  try {
    const { stdout } = new Deno.Command(postgres, { args: ["--version"], stderr: "null" }).outputSync();
    const major = /\(PostgreSQL\) (\d+)/.exec(new TextDecoder().decode(stdout))?.[1];
    return major === undefined ? undefined : Number(major);
  } catch {
    return undefined;
  }
}
