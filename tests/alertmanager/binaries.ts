import { cacheFolder } from "../cluster/binaries.ts";
import { locateKept } from "../setup/kept.ts";

/** The Alertmanager that is built, a version of its Go module. */
export const ALERTMANAGER_VERSION = "0.35.0";

/** What the program is called. */
export const PROGRAM = "alertmanager";

/** Where Alertmanager is kept once `deno task setup` has it. */
export function alertmanagerFolder(): string {
  return `${cacheFolder()}/alertmanager-${ALERTMANAGER_VERSION}`;
}

/** The program that `deno task setup` brought; `undefined` when it is missing. Only looks whether a file exists. */
export function locateAlertmanager(): string | undefined {
  return locateKept(`${alertmanagerFolder()}/${PROGRAM}`);
}
