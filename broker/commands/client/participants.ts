import { boolean, text } from "$lib/settings/types.ts";
import { type ClientCommand, clientCommand, flag } from "./declaration.ts";
import { AGENT, GENERATOR, STACK } from "./flags.ts";

const WHO = { name: "agent=A|label=L", help: "An agent, by its name or id, or all that have a label." };

const YES = flag({ key: "yes", short: "y", type: boolean(), default: false, help: "Ask nobody." });
const OF_GENERATOR = flag({
  key: "generator",
  type: text(),
  required: true,
  value: "GENERATOR",
  help: "Whose stacks, by the generator's name or id.",
});

/** Flags of `activate` and `deactivate`. */
export const SWITCH = [] as const;
/** Flags of `register`. */
export const REGISTER = [OF_GENERATOR] as const;
/** Flags of `deregister`. */
export const DEREGISTER = [OF_GENERATOR, YES] as const;
/** Flags of `label`. */
export const LABEL = [] as const;
/** Flags of `unlabel`. */
export const UNLABEL = [YES] as const;
/** Flags of `target`. */
export const TARGET = [
  flag({
    key: "register",
    type: boolean(),
    default: false,
    help: "Let the agent receive from the stack's generator; the admin's alone.",
  }),
] as const;
/** Flags of `untarget`. */
export const UNTARGET = [YES] as const;
/** Flags of `delete stack`, `delete agent` and `delete generator`. */
export const DELETE = [YES] as const;

const activate = clientCommand({
  words: "activate",
  help: "Let an agent write to its cluster: a new one is inactive, and writes nothing.",
  arguments: [AGENT],
  options: SWITCH,
  examples: [{ what: "Once it is connected", line: "brokkr-broker activate berlin-1" }],
  load: async () => (await import("./agent_commands.ts")).activate,
});

const deactivate = clientCommand({
  words: "deactivate",
  help: "Have an agent write nothing to its cluster, until it is activated; what is there stays.",
  arguments: [AGENT],
  options: SWITCH,
  examples: [{ what: "While a cluster is under repair", line: "brokkr-broker deactivate berlin-1" }],
  load: async () => (await import("./agent_commands.ts")).deactivate,
});

const register = clientCommand({
  words: "register",
  help: "Let an agent receive from a generator; the admin's alone. It is done again where it was done already.",
  arguments: [AGENT],
  options: REGISTER,
  examples: [{ what: "Before its stacks are for it", line: "brokkr-broker register berlin-1 --generator team" }],
  load: async () => (await import("./agent_commands.ts")).register,
});

const deregister = clientCommand({
  words: "deregister",
  help: "Let an agent receive from a generator no more: it removes what it has of it, after a typed yes.",
  arguments: [AGENT],
  options: DEREGISTER,
  examples: [{ what: "Asked nothing", line: "brokkr-broker deregister berlin-1 --generator team --yes" }],
  load: async () => (await import("./agent_commands.ts")).deregister,
});

const label = clientCommand({
  words: "label",
  help: "Give an agent a label: it gets every stack that has the same, of generators that it receives from.",
  arguments: [AGENT, { name: "LABEL", help: "The label." }],
  options: LABEL,
  examples: [{ what: "For what `apply --target label=eu` submits", line: "brokkr-broker label berlin-1 eu" }],
  load: async () => (await import("./agent_commands.ts")).label,
});

const unlabel = clientCommand({
  words: "unlabel",
  help: "Take a label from an agent, after a typed yes: it removes what it has for that alone.",
  arguments: [AGENT, { name: "LABEL", help: "The label." }],
  options: UNLABEL,
  examples: [{ what: "Asked nothing", line: "brokkr-broker unlabel berlin-1 eu --yes" }],
  load: async () => (await import("./agent_commands.ts")).unlabel,
});

const target = clientCommand({
  words: "target",
  help: "Say who is to have a stack as well; whom it was for stays.",
  arguments: [STACK, WHO],
  options: TARGET,
  examples: [
    { what: "One agent", line: "brokkr-broker target shop agent=berlin-1 --register" },
    { what: "All with a label", line: "brokkr-broker target shop label=eu" },
  ],
  load: async () => (await import("./target_commands.ts")).target,
});

const untarget = clientCommand({
  words: "untarget",
  help: "Say who is to have a stack no more: whoever had it for that alone removes it, after a typed yes.",
  arguments: [STACK, WHO],
  options: UNTARGET,
  examples: [{ what: "Asked nothing", line: "brokkr-broker untarget shop agent=berlin-1 --yes" }],
  load: async () => (await import("./target_commands.ts")).untarget,
});

const deleteStack = clientCommand({
  words: "delete stack",
  help: "Delete a stack, after a typed yes: every agent that has it removes what came with it.",
  arguments: [STACK],
  options: DELETE,
  examples: [
    { what: "Asked first", line: "brokkr-broker delete stack shop" },
    { what: "In a script", line: "brokkr-broker delete stack preview-17 --yes" },
  ],
  load: async () => (await import("./delete_commands.ts")).deleteStack,
});

const deleteAgent = clientCommand({
  words: "delete agent",
  help: "Delete an agent, after a typed yes: its key ends; what it applied stays in its cluster. The admin's alone.",
  arguments: [AGENT],
  options: DELETE,
  examples: [{ what: "Of a cluster that is gone", line: "brokkr-broker delete agent berlin-1" }],
  load: async () => (await import("./delete_commands.ts")).deleteAgent,
});

const deleteGenerator = clientCommand({
  words: "delete generator",
  help: "Delete a generator, after a typed yes: its key and its stacks end, and agents remove what they have of them.",
  arguments: [GENERATOR],
  options: DELETE,
  examples: [{ what: "Of a team that is gone", line: "brokkr-broker delete generator team" }],
  load: async () => (await import("./delete_commands.ts")).deleteGenerator,
});

/** Commands that say who takes part: agents, what they receive, and what ends. */
export const PARTICIPANTS: readonly ClientCommand[] = [
  ...[activate, deactivate, register, deregister, label, unlabel],
  ...[target, untarget],
  ...[deleteStack, deleteAgent, deleteGenerator],
];
