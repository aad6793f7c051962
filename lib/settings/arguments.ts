import { flagOf, type Setting } from "$lib/settings/declaration.ts";
import type { Given, Source } from "$lib/settings/sources.ts";

/** The command line: values, the words that are no flags, and whether the settings are to be printed. */
export interface CommandLine extends Source {
  readonly words: readonly string[];
  readonly printsSettings: boolean;
}

const PRINT_FLAG = "--print-settings";

/**
 * Reads `--flag value`, `--flag=value`, the bare name of a boolean, and `-f value`, `-f=value` and `-fvalue` of a flag
 * with a letter; where a flag comes twice, the last one counts, which is the first that is given back. What stands
 * behind `--` is no flag. The word after an unknown flag is taken for its value, which may be a secret, and shown to
 * nobody.
 */
export function fromArguments(settings: readonly Setting[], args: readonly string[]): CommandLine {
  const byFlag = new Map(settings.flatMap((one) => namesOf(one).map((name) => [name, one] as const)));
  const given: Given[] = [];
  const faults: string[] = [];
  const words: string[] = [];
  const rest = args.filter((arg) => arg !== PRINT_FLAG);
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") {
      words.push(...rest.splice(0));
      break;
    }
    if (!arg.startsWith("-") || arg === "-") {
      words.push(arg);
      continue;
    }
    const [flag, inline] = byFlag.has(arg.slice(0, 2)) ? splitShort(arg) : splitOnce(arg);
    const declared = byFlag.get(flag);
    const bare = declared !== undefined && takesBareName(declared) ? "true" : undefined;
    const text = inline ?? bare ?? (rest[0]?.startsWith("--") ? undefined : rest.shift());
    if (declared === undefined) faults.push(`unknown flag ${flag}`);
    else if (text === undefined) faults.push(`${flag} needs a value`);
    else given.push({ key: declared.key, text, origin: flag });
  }
  return { given: given.reverse(), faults, words, printsSettings: args.includes(PRINT_FLAG) };
}

function namesOf({ key, short }: Setting): readonly string[] {
  return short === undefined ? [flagOf(key)] : [flagOf(key), `-${short}`];
}

function splitShort(arg: string): [string, string | undefined] {
  return [arg.slice(0, 2), arg.length === 2 ? undefined : arg.slice(2).replace(/^=/, "")];
}

function splitOnce(arg: string): [string, string | undefined] {
  const at = arg.indexOf("=");
  return at < 0 ? [arg, undefined] : [arg.slice(0, at), arg.slice(at + 1)];
}

function takesBareName({ type }: Setting): boolean {
  return typeof type.parse("true")?.value === "boolean";
}
