import { flagOf } from "$lib/settings/declaration.ts";
import { CLIENT_COMMANDS, type COMPLETION, SHELLS } from "./commands.ts";
import { EXIT, type Flag, type RunClient } from "./declaration.ts";
import { CONNECTION_FLAGS } from "./flags.ts";

type Shell = (typeof SHELLS)[number];

const PROGRAM = "brokkr-broker";

/** `completion`. */
export const completion: RunClient<typeof COMPLETION> = async (asked, { terminal }) => {
  const [shell = ""] = asked.arguments;
  const { COMMANDS, SERVE } = await import("../mod.ts");
  const others = [SERVE, ...COMMANDS].filter(({ words }) => CLIENT_COMMANDS.every((one) => one.words !== words))
    .map(({ words, help, options }) => ({ words, help, flags: options }));
  const clients = CLIENT_COMMANDS.map(({ words, help, options }) => ({
    ...{ words, help, flags: [...options, ...CONNECTION_FLAGS] },
  }));
  terminal.output.write(SCRIPTS[shell as Shell]([...clients, ...others]));
  return EXIT.done;
};

/** What completion knows of a command. */
interface Completed {
  readonly words: string;
  readonly help: string;
  readonly flags: readonly Flag[];
}

type Commands = readonly Completed[];

const SCRIPTS: Readonly<Record<Shell, (commands: Commands) => string>> = { bash, zsh, fish };

/** Flags with a fixed set of values, by their names. */
function choices(commands: Commands): readonly (readonly [string, readonly string[]])[] {
  const flags = commands.flatMap(({ flags }) => flags).filter(({ choices }) => choices !== undefined);
  return flags.flatMap(({ key, short, choices = [] }) => [
    [flagOf(key), choices] as const,
    ...(short === undefined ? [] : [[`-${short}`, choices] as const]),
  ]).filter(([name], at, all) => all.findIndex(([other]) => other === name) === at);
}

function bash(commands: Commands): string {
  const first = [...new Set(commands.map(({ words }) => words.split(" ")[0] ?? ""))];
  const second = first.flatMap((word) => {
    const words = commands.flatMap((one) => one.words.startsWith(`${word} `) ? [one.words.slice(word.length + 1)] : []);
    return words.length === 0 ? [] : [`    ${word}) words="${words.join(" ")}" ;;`];
  });
  const flags = commands.map((command) =>
    `    "${command.words}"*) flags="${command.flags.map(({ key }) => flagOf(key)).join(" ")} --help" ;;`
  );
  const values = choices(commands).map(([name, all]) =>
    `    ${name}) COMPREPLY=($(compgen -W "${all.join(" ")}" -- "$current")); return ;;`
  );
  return `# Completion of ${PROGRAM} for bash: source <(${PROGRAM} completion bash)
_brokkr_broker() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}"
  local typed="\${COMP_WORDS[*]:1:$((COMP_CWORD - 1))}" words="" flags=""
  [[ "$current" == "=" ]] && current=""
  [[ "$previous" == "=" ]] && previous="\${COMP_WORDS[COMP_CWORD-2]}"
  case "$previous" in
${values.join("\n")}
    --*file|-f|--filename) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  case "$typed" in
${flags.join("\n")}
  esac
  case "$typed" in
    "") words="${first.join(" ")}" ;;
${second.join("\n")}
    completion) words="${SHELLS.join(" ")}" ;;
  esac
  [[ "$current" == -* ]] && words="$flags"
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _brokkr_broker ${PROGRAM}
`;
}

function zsh(commands: Commands): string {
  return `#compdef ${PROGRAM}
# Completion of ${PROGRAM} for zsh: source <(${PROGRAM} completion zsh)
autoload -U +X bashcompinit && bashcompinit
${bash(commands).split("\n").slice(1).join("\n")}`;
}

function fish(commands: Commands): string {
  const lines = commands.flatMap((command) => {
    const words = command.words.split(" ");
    const seen = words.map((word) => `__fish_seen_subcommand_from ${word}`).join("; and ");
    return [wordLine(words, command.help), ...command.flags.map((flag) => flagLine(flag, seen))];
  });
  return `# Completion of ${PROGRAM} for fish: ${PROGRAM} completion fish | source
${[...new Set(lines)].join("\n")}
complete -c ${PROGRAM} -n "__fish_seen_subcommand_from completion" -f -a "${SHELLS.join(" ")}"
`;
}

function wordLine(words: readonly string[], help: string): string {
  const [first = "", second] = words;
  const before = second === undefined ? "__fish_use_subcommand" : `__fish_seen_subcommand_from ${first}`;
  const said = second ?? first;
  const own = `complete -c ${PROGRAM} -n "${before}" -f -a ${said} -d ${quoted(help)}`;
  return second === undefined ? own : `complete -c ${PROGRAM} -n "__fish_use_subcommand" -f -a ${first}\n${own}`;
}

function flagLine({ key, short, value, choices, help }: Flag, seen: string): string {
  const takes = value === undefined ? "" : choices === undefined ? " -r" : ` -x -a "${choices.join(" ")}"`;
  const letter = short === undefined ? "" : ` -s ${short}`;
  return `complete -c ${PROGRAM} -n "${seen}" -l ${flagOf(key).slice(2)}${letter}${takes} -d ${quoted(help)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
