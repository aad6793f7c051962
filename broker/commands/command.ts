import type { Command } from "$lib/program/command.ts";
import type { Setting } from "$lib/settings.ts";
import type { SETTINGS } from "../settings.ts";

/** The declaration itself, as a command of the broker: its flags give `options` their types. */
export function command<const O extends readonly Setting[]>(
  declaration: Command<typeof SETTINGS, O>,
): Command<typeof SETTINGS, O> {
  return declaration;
}
