import { homedir } from "node:os";
import { openApt } from "./apt.ts";
import { run, type Say, which } from "./commands.ts";

const PLACES = ["/usr/local/go/bin", "/usr/lib/go/bin"];
/** From here on Go fetches the version that a module names by itself. */
const FETCHES_ITSELF = [1, 21] as const;

/** A Go that can build what `go.mod` asks for. */
export interface Go {
  readonly program: string;
  readonly version: string;
}

/**
 * Finds Go, or installs Debian's where that one is young enough.
 *
 * @throws When there is none, or only one that is too old; the message names the version wanted and where it is to be
 * had.
 */
export async function findGo(say: Say): Promise<Go> {
  const wanted = await wantedVersion();
  const program = which("go", PLACES) ?? await installGo(wanted, say);
  const version = await versionOf(program);
  const isLocal = (await run({ program, args: ["env", "GOTOOLCHAIN"], env: goEnvironment() })).trim() === "local";
  if (isAtLeast(version, wanted) || !isLocal && canFetch(version)) return { program, version };
  throw new Error(`Cannot build with ${program}: it is Go ${version}, too old, ${advice(wanted)}`);
}

/**
 * What every call of Go gets: nothing of the caller's that changes the build, and a home where it keeps its downloads.
 */
export function goEnvironment(): Record<string, string> {
  return { HOME: Deno.env.get("HOME") || homedir(), GOFLAGS: "-buildvcs=false", GOWORK: "off", CGO_ENABLED: "0" };
}

/** Whether `version` (`1.26.8`) is `wanted` (`1.26.0`) or later. */
export function isAtLeast(version: string, wanted: string): boolean {
  const [have, want] = [version, wanted].map((text) => text.split(".").map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (have?.[i] ?? 0) - (want?.[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

async function installGo(wanted: string, say: Say): Promise<string> {
  const apt = openApt(say);
  await apt.update();
  const candidate = /^(?:\d+:)?(\d+\.\d+)/.exec(await apt.candidate("golang-go") ?? "")?.[1];
  if (candidate === undefined) throw new Error(`Cannot find Go: Debian has no golang-go here, ${advice(wanted)}`);
  if (!isAtLeast(candidate, wanted) && !canFetch(candidate)) {
    throw new Error(`Cannot install Go: Debian's golang-go here is ${candidate}, too old, ${advice(wanted)}`);
  }
  say(`Go: installing golang-go ${candidate}`);
  await apt.install(["golang-go"]);
  return which("go", PLACES) ?? "go";
}

async function versionOf(program: string): Promise<string> {
  const said = await run({ program, args: ["version"], env: { ...goEnvironment(), GOTOOLCHAIN: "local" }, cwd: "/" });
  return /go version go(\d+(?:\.\d+)*)/.exec(said)?.[1] ?? "0";
}

async function wantedVersion(): Promise<string> {
  const text = await Deno.readTextFile(new URL("../cluster/go.mod", import.meta.url));
  return /^go (\S+)$/m.exec(text)?.[1] ?? "0";
}

function canFetch(version: string): boolean {
  return isAtLeast(version, FETCHES_ITSELF.join("."));
}

function advice(wanted: string): string {
  return `and Go ${wanted} or later is wanted: put one from https://go.dev/dl/ into PATH`;
}
