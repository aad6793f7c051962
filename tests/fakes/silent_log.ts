import type { Log } from "$lib/log.ts";

/** A log that writes nothing. */
export function silentLog(): Log {
  return { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
}
