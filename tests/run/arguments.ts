/** What the command line of `deno task test` asks for. */
export interface RunRequest {
  /** Leave out what needs an added server, or whole programs for long. */
  readonly isQuick: boolean;
  /** Files and folders; all tests when empty. */
  readonly paths: readonly string[];
  /** Everything else, for `deno test`. */
  readonly flags: readonly string[];
}

/** Flags of `deno test` whose value may follow as an argument of its own. */
const WITH_VALUE = ["--filter", "--shuffle", "--reporter"];

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
  return { isQuick: args.includes("--quick"), paths, flags };
}
