import { boolean, choice, text } from "$lib/settings/types.ts";
import type { DriftPolicy } from "$lib/wire/stack.ts";
import { type ClientCommand, clientCommand, flag } from "./declaration.ts";
import { STACK } from "./flags.ts";

const DRIFTS = ["repair", "report", "off"] as const satisfies readonly DriftPolicy[];

/** Flags of `suspend` and `resume`. */
export const SWITCH = [] as const;
/** Flags of `set stack`. */
export const SET_STACK = [
  flag({
    key: "drift",
    type: choice(DRIFTS),
    choices: DRIFTS,
    value: "POLICY",
    help: "What becomes of what was changed in the cluster: it is put right, is reported alone, or is not looked for.",
  }),
  flag({
    key: "default_namespace",
    type: text(),
    value: "NAMESPACE",
    help: "Where objects go that name no namespace: agents move those that are there, as the guard lets them.",
  }),
  flag({
    key: "no_default_namespace",
    type: boolean(),
    default: false,
    help: "Objects that name no namespace go to the one of each agent's own configuration.",
  }),
] as const;

const suspend = clientCommand({
  words: "suspend",
  help: "Have agents write nothing for a stack, until it is resumed.",
  arguments: [STACK],
  options: SWITCH,
  examples: [{ what: "While somebody works on it by hand", line: "brokkr-broker suspend shop" }],
  load: async () => (await import("./stack_commands.ts")).suspend,
});

const resume = clientCommand({
  words: "resume",
  help: "Have agents go on with a suspended stack.",
  arguments: [STACK],
  options: SWITCH,
  examples: [{ what: "Go on", line: "brokkr-broker resume shop" }],
  load: async () => (await import("./stack_commands.ts")).resume,
});

const setStack = clientCommand({
  words: "set stack",
  help: "Say how agents treat a stack, whatever is submitted to it; what is not given stays as it is.",
  arguments: [STACK],
  options: SET_STACK,
  examples: [
    { what: "Only tell of what somebody changes by hand", line: "brokkr-broker set stack shop --drift report" },
    { what: "Where what names no namespace goes", line: "brokkr-broker set stack shop --default-namespace shop" },
  ],
  load: async () => (await import("./stack_commands.ts")).setStack,
});

/** Commands that say how agents treat a stack. */
export const POLICIES: readonly ClientCommand[] = [suspend, resume, setStack];
