import type { Clock } from "$lib/clock.ts";
import type { Argument, CommandDeclaration } from "$lib/settings/commands.ts";
import type { Setting, SettingsOf } from "$lib/settings/declaration.ts";
import type { Terminal } from "$lib/terminal.ts";
import type { BrokerApi } from "./api.ts";

/** A flag of a command of the client. */
export interface Flag<K extends string = string, T = unknown> extends Setting<K, T> {
  /** What stands for its value in help: `FILE`. */
  readonly value?: string;
  /** A variable of the environment that it is taken from where it is not given. */
  readonly variable?: string;
  /** Whether it may be given several times: its value is a list, of which each adds its part. */
  readonly repeats?: true;
  /** What its value may be, for completion. */
  readonly choices?: readonly string[];
}

type Described<K extends string, T> = Omit<Flag<K, T>, "default" | "required">;

/** Declares a flag that always has a value, because it has a default or is required. */
export function flag<const K extends string, T>(
  declaration: Described<K, T> & ({ readonly default: string | number | boolean } | { readonly required: true }),
): Flag<K, T>;
/** Declares a flag that may be left out: its value is then undefined. */
export function flag<const K extends string, T>(declaration: Described<K, T>): Flag<K, T | undefined>;
/** The declaration itself: only its type is new. */
export function flag(declaration: Flag): Flag {
  return declaration;
}

/** A line that shows how a command is used. */
export interface Example {
  readonly what: string;
  readonly line: string;
}

/** A command that asks a broker over its API, as far as its command line goes. */
export interface ClientDeclaration<O extends readonly Flag[] = readonly Flag[]> extends CommandDeclaration {
  readonly options: O;
  readonly arguments: readonly Argument[];
  /** Where no broker is named, the program does it on its own machine, by a command of the same words. */
  readonly wantsUrl?: true;
  /** What it shows is all that it does: a reader that has seen enough ends it well. */
  readonly readsOnly?: true;
  readonly examples: readonly Example[];
}

/** What a command was asked for. */
export interface ClientAsked<O extends readonly Flag[] = readonly Flag[]> {
  readonly options: SettingsOf<O>;
  /** The words behind those of the command, as many as it has arguments; an optional one may be missing. */
  readonly arguments: readonly string[];
}

/** What a command works with. */
export interface ClientParts {
  readonly api: BrokerApi;
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string>>;
  /** Aborts when a person, or whoever runs the command, ends it. */
  readonly signal: AbortSignal;
  readonly newId: () => string;
}

/** How a command ended: the exit code. */
export const EXIT = { done: 0, failed: 1, timedOut: 2, usage: 3, interrupted: 130 } as const;

/** What a command does; its exit code. */
export type RunClient<O extends readonly Flag[] = readonly Flag[]> = (
  asked: ClientAsked<O>,
  parts: ClientParts,
) => Promise<number>;

/** A command with the way to what it does, which is loaded when it is asked for. */
export interface ClientCommand<O extends readonly Flag[] = readonly Flag[]> extends ClientDeclaration<O> {
  /** Without a broker: what it does needs none. */
  readonly isLocal?: true;
  load(): Promise<RunClient<O>>;
}

/** The declaration itself: its flags give `options` their types. */
export function clientCommand<const O extends readonly Flag[]>(command: ClientCommand<O>): ClientCommand<O> {
  return command;
}
