import { boolean, choice, integer, text } from "$lib/settings/types.ts";
import { type ClientCommand, clientCommand, flag } from "./declaration.ts";
import { AGENT, duration, each, GOALS, OUTPUT, STACK, WATCH } from "./flags.ts";
import { KEY_COMMANDS } from "./key_commands.ts";
import { PARTICIPANTS } from "./participants.ts";
import { POLICIES } from "./policies.ts";

/** Flags of `get agents`. */
export const GET_AGENTS = [OUTPUT, WATCH] as const;
/** Flags of `get stacks`. */
export const GET_STACKS = [OUTPUT, WATCH] as const;
/** Flags of `get generators`. */
export const GET_GENERATORS = [OUTPUT, WATCH] as const;
/** Flags of `get deliveries`. */
export const GET_DELIVERIES = [
  flag({ key: "unhealthy", type: boolean(), default: false, help: "Only what is not healthy, the worst first." }),
  flag({ key: "agent", type: text(), value: "AGENT", help: "Only to this agent, by its name or id." }),
  flag({ key: "stack", short: "s", type: text(), value: "STACK", help: "Only of this stack, by its name or id." }),
  flag({ key: "limit", type: integer({ min: 1 }), value: "N", default: 500, help: "How many at most." }),
  OUTPUT,
  WATCH,
] as const;

/** What is waited for, and how long. */
const WAITING = [
  flag({
    key: "wait",
    type: choice(GOALS),
    choices: GOALS,
    value: "GOAL",
    help: "Wait until every agent that is to have it has applied it, or until it is healthy there.",
  }),
  flag({
    key: "timeout",
    type: duration(),
    value: "DURATION",
    default: "5m",
    help: "How long to wait, and to ask again a broker that does not answer.",
  }),
] as const;

/** Flags of `apply`. */
export const APPLY = [
  flag({
    key: "filename",
    short: "f",
    type: each(),
    repeats: true,
    required: true,
    value: "PATH",
    help: "What to submit: a file, a folder (its .yaml, .yml and .json files), or - for standard input.",
  }),
  flag({
    key: "stack",
    short: "s",
    type: text(),
    required: true,
    value: "STACK",
    help: "To which stack, by its name or id.",
  }),
  flag({ key: "create", type: boolean(), default: false, help: "Make the stack where there is none." }),
  flag({
    key: "generator",
    type: text(),
    value: "GENERATOR",
    help: "Who is to own a stack that is made; left out, whose key it is, of the admin's admin-generator.",
  }),
  flag({
    key: "target",
    type: each(),
    repeats: true,
    value: "agent=A|label=L",
    help: "Who is to have the stack: an agent, or all with a label. What it had stays.",
  }),
  flag({
    key: "register",
    type: boolean(),
    default: false,
    help: "Let the agents that --target names receive from the stack's generator; the admin's alone.",
  }),
  ...WAITING,
  OUTPUT,
] as const;

/** Flags of `explain`. */
export const EXPLAIN = [OUTPUT] as const;

/** Flags of `history`. */
export const HISTORY = [
  flag({ key: "limit", type: integer({ min: 1 }), value: "N", default: 20, help: "How many at most." }),
  OUTPUT,
] as const;

/** Flags of `rollback`. */
export const ROLLBACK = [
  flag({
    key: "to",
    type: integer({ min: 0 }),
    required: true,
    value: "SEQUENCE",
    help: "Which submission, by the number that `history` shows.",
  }),
  ...WAITING,
  OUTPUT,
] as const;

/** Flags of `approve`. */
export const APPROVE = [
  flag({
    key: "stack",
    short: "s",
    type: text(),
    value: "STACK",
    help: "Only that the removal of this stack may go on, whatever fills its namespaces or the guard holds of it.",
  }),
  flag({
    key: "revision",
    type: integer({ min: 0 }),
    value: "REVISION",
    help: "The revision that was looked at: with it nobody is asked.",
  }),
] as const;

/** Flags of `top`. */
export const TOP = [] as const;
/** Flags of `completion`. */
export const COMPLETION = [] as const;
/** Shells that completion is written for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

const apply = clientCommand({
  words: "apply",
  help: "Submit manifests to a stack; content that is there already is not submitted again. Exits with 0 when it is " +
    "there, 1 when it can't get there (no agent is targeted, blocked, refused twice), 2 when the time is over, 3 for a " +
    "wrong command line, 130 when interrupted.",
  arguments: [],
  options: APPLY,
  examples: [
    {
      what: "From nothing to running, and wait for it",
      line: "brokkr-broker apply -f deploy/ --stack shop --create --target agent=berlin-1 --register --wait healthy",
    },
    {
      what: "In a CI job",
      line: "kustomize build . | brokkr-broker apply -f - --stack shop --wait healthy --timeout 10m",
    },
  ],
  load: async () => (await import("./apply.ts")).apply,
});

const explain = clientCommand({
  words: "explain",
  help:
    "Say why a stack is not everywhere yet, or does not work there, and what ends that; with an agent, there alone.",
  arguments: [STACK, { ...AGENT, isOptional: true }],
  options: EXPLAIN,
  examples: [
    { what: "Every cause, with how many agents have it", line: "brokkr-broker explain shop" },
    { what: "One agent, with its objects", line: "brokkr-broker explain shop berlin-1" },
  ],
  readsOnly: true,
  load: async () => (await import("./explain.ts")).explain,
});

const history = clientCommand({
  words: "history",
  help: "Show what was submitted to a stack, newest first, and with how many agents it is by now.",
  arguments: [STACK],
  options: HISTORY,
  examples: [{ what: "The last five", line: "brokkr-broker history shop --limit 5" }],
  readsOnly: true,
  load: async () => (await import("./stack_commands.ts")).history,
});

const rollback = clientCommand({
  words: "rollback",
  help: "Submit again what was submitted before. Exits as `apply` does.",
  arguments: [STACK],
  options: ROLLBACK,
  examples: [{ what: "Back, and wait for it", line: "brokkr-broker rollback shop --to 41 --wait healthy" }],
  load: async () => (await import("./stack_commands.ts")).rollback,
});

const approve = clientCommand({
  words: "approve",
  help: "Show which removals an agent holds, and let it go on with them after a typed yes; the admin's alone.",
  arguments: [AGENT],
  options: APPROVE,
  examples: [
    { what: "Look, and be asked", line: "brokkr-broker approve berlin-1" },
    { what: "What was looked at, asked nothing", line: "brokkr-broker approve berlin-1 --revision 1042" },
  ],
  load: async () => (await import("./approve.ts")).approve,
});

const top = clientCommand({
  words: "top",
  help:
    "Show the fleet: agents by connectivity, deliveries by state and health, the oldest troubles; redrawn on a terminal.",
  arguments: [],
  options: TOP,
  examples: [
    { what: "Until Ctrl-C", line: "brokkr-broker top" },
    { what: "Once, for a mail", line: "brokkr-broker top | cat" },
  ],
  readsOnly: true,
  load: async () => (await import("./top.ts")).top,
});

const completion = clientCommand({
  words: "completion",
  help: "Print a script that completes commands and flags.",
  arguments: [{ name: "SHELL", help: `${SHELLS.join(", ")}.`, choices: SHELLS }],
  options: COMPLETION,
  examples: [
    { what: "In ~/.bashrc", line: "source <(brokkr-broker completion bash)" },
    { what: "In ~/.zshrc, below compinit", line: "source <(brokkr-broker completion zsh)" },
    { what: "In ~/.config/fish/config.fish", line: "brokkr-broker completion fish | source" },
  ],
  isLocal: true,
  readsOnly: true,
  load: async () => (await import("./completion.ts")).completion,
});

const getAgents = clientCommand({
  words: "get agents",
  help: "Show agents: whether they are there, and how what they have fares.",
  arguments: [],
  options: GET_AGENTS,
  examples: [
    { what: "Who is there, redrawn every two seconds", line: "brokkr-broker get agents --watch" },
    {
      what: "The names of those that are late or lost",
      line: `brokkr-broker get agents -o json | jq -r '.[] | select(.connectivity != "connected") | .name'`,
    },
  ],
  readsOnly: true,
  load: async () => (await import("./get.ts")).getAgents,
});

const getStacks = clientCommand({
  words: "get stacks",
  help: "Show stacks.",
  arguments: [],
  options: GET_STACKS,
  examples: [{ what: "All that this key sees", line: "brokkr-broker get stacks" }],
  readsOnly: true,
  load: async () => (await import("./get.ts")).getStacks,
});

const getGenerators = clientCommand({
  words: "get generators",
  help: "Show generators: who submits, and when each was last seen; the admin's alone.",
  arguments: [],
  options: GET_GENERATORS,
  examples: [{ what: "Whose keys are unused", line: "brokkr-broker get generators" }],
  readsOnly: true,
  load: async () => (await import("./get.ts")).getGenerators,
});

const getDeliveries = clientCommand({
  words: "get deliveries",
  help: "Show what is on its way to which agent, how far it is and how well it works; the troubled ones first.",
  arguments: [],
  options: GET_DELIVERIES,
  examples: [
    { what: "What needs a look", line: "brokkr-broker get deliveries --unhealthy" },
    { what: "How a rollout goes on", line: "brokkr-broker get deliveries --stack shop --watch" },
  ],
  readsOnly: true,
  load: async () => (await import("./get.ts")).getDeliveries,
});

/** What the client can be asked for. */
export const CLIENT_COMMANDS: readonly ClientCommand[] = [
  apply,
  getAgents,
  getStacks,
  getGenerators,
  getDeliveries,
  explain,
  history,
  rollback,
  ...POLICIES,
  approve,
  ...PARTICIPANTS,
  ...KEY_COMMANDS,
  top,
  completion,
] as const;
