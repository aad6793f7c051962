import type { RunRequest } from "./arguments.ts";

/** One call of `deno test`: some files, with some parallelism. */
export interface Phase {
  /** What to run; everything below the repository when empty. */
  readonly paths: readonly string[];
  readonly ignored: readonly string[];
  /** Files at a time; as many as there are cores when left out. */
  readonly jobs?: number;
}

/** Folders whose tests start servers and programs of their own: they wait for these for most of their time. */
const WITH_SERVERS = [
  "tests/cases",
  "tests/charts",
  "tests/cluster",
  "tests/collector",
  "tests/demo",
  "tests/postgres",
  "tests/prometheus",
  "tests/system",
];
const NO_TESTS = ["tests/bench"];
/** Where tests mostly wait: for servers and programs. */
const JOBS_WITH_SERVERS = 3;
/**
 * Of everything that needs none, half the time is waiting: for a turn of the embedded database, or for what takes its
 * time.
 */
const QUICK_JOBS = 4;

/**
 * First what needs no server, on all cores, then what starts them; a phase without paths is left out. What `--quick`
 * leaves of the second is little: one phase has all of it, with one start and one end.
 */
export function phasesFor({ paths, isQuick }: Pick<RunRequest, "paths" | "isQuick">, root = "."): Phase[] {
  const wanted = paths.map((path) => path.replace(/^\.\//, "").replace(/\/+$/, "") || ".");
  if (isQuick) return [{ paths: wanted, ignored: NO_TESTS, jobs: QUICK_JOBS }];
  const isServers = (path: string) => WITH_SERVERS.some((folder) => isWithin(path, folder));
  const first = wanted.filter((path) => !isServers(path));
  const second = wanted.length === 0 ? WITH_SERVERS : [
    ...wanted.filter(isServers),
    ...WITH_SERVERS.filter((folder) => first.some((path) => isWithin(folder, path))),
  ];
  const there = second.filter((path) => exists(`${root}/${path}`));
  return [
    ...(wanted.length === 0 || first.length > 0 ? [{ paths: first, ignored: [...WITH_SERVERS, ...NO_TESTS] }] : []),
    ...(there.length > 0 ? [{ paths: there, ignored: NO_TESTS, jobs: JOBS_WITH_SERVERS }] : []),
  ];
}

function isWithin(path: string, folder: string): boolean {
  return folder === "." || path === folder || path.startsWith(`${folder}/`);
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
