/** What the command line of `deno task test` asks for. */
export interface RunRequest {
  /** Leave out what needs an added server, and story 15. */
  readonly isQuick: boolean;
  /** Files and folders; all tests when empty. */
  readonly paths: readonly string[];
  /** Everything else, for `deno test`. */
  readonly flags: readonly string[];
}

/** Flags of `deno test` whose value may follow as an argument of its own. */
const WITH_VALUE = ["--filter", "--shuffle", "--reporter"];
/** What `--quick` leaves out beside tests that need a server, by the beginning of the name. */
export const QUICK_LEAVES_OUT = "story 15";

/** Reads `[--quick] [--] [paths] [flags of deno test]`; a flag's value needs `=`, but for `--filter`. */
export function readArguments(args: readonly string[]): RunRequest {
  const rest = args.filter((arg) => arg !== "--quick" && arg !== "--");
  const flags: string[] = [];
  const paths: string[] = [];
  for (let i = 0; i < rest.length; i++) {
    const arg = rest[i] ?? "";
    if (WITH_VALUE.includes(arg)) flags.push(`${arg}=${rest[++i] ?? ""}`);
    else (arg.startsWith("-") ? flags : paths).push(arg);
  }
  const isQuick = args.includes("--quick");
  if (isQuick && !flags.some((flag) => flag.startsWith("--filter="))) {
    flags.push(`--filter=/${without(QUICK_LEAVES_OUT)}/`);
  }
  return { isQuick, paths, flags };
}

/** A regular expression for what does not begin with `prefix`; `deno test` knows no look-ahead. */
export function without(prefix: string): string {
  const inner = [...prefix].reduceRight((rest, letter) => `(?:$|[^${letter}]${rest && `|${letter}${rest}`})`, "");
  return `^${inner}`;
}
