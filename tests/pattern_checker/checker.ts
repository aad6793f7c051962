import { createRequire } from "node:module";
import { cacheFolder } from "../cluster/binaries.ts";
import { locateKept } from "../setup/kept.ts";

/**
 * The checker that `deno task setup` brings: it tells by automata, or by an attack it found, what a pattern's matching
 * costs.
 */
export const RECHECK_VERSION = "4.5.0";
/** The one file of it that is kept: it needs no other program. */
export const RECHECK_FILE = "browser.js";

/** Where the checker is kept once `deno task setup` has it. */
export function patternCheckerFolder(): string {
  return `${cacheFolder()}/recheck-${RECHECK_VERSION}`;
}

/** The checker's path; `undefined` when it is not on this machine. Only looks whether the file exists. */
export function locatePatternChecker(): string | undefined {
  return locateKept(`${patternCheckerFolder()}/${RECHECK_FILE}`);
}

/** What matching a pattern costs, and a text that shows it where that is more than linear. */
export interface PatternVerdict {
  readonly status: "safe" | "vulnerable" | "unknown";
  readonly attack?: { readonly pattern: string };
}

/** Judges a pattern by its source and its flags. */
export type CheckPattern = (source: string, flags: string) => PatternVerdict;

/** No verdict is the clock's, or chance's: what it looks through is bounded by numbers, and begins alike. */
const UNHURRIED = {
  randomSeed: 0,
  timeout: null,
  attackTimeout: null,
  incubationTimeout: null,
  seedingTimeout: null,
};

/** Loads the checker. @throws When it is not on this machine. */
export function loadPatternChecker(): CheckPattern {
  const path = locatePatternChecker();
  if (path === undefined) throw new Error("Cannot check patterns: recheck is not on this machine");
  const { checkSync } = createRequire(import.meta.url)(path);
  return (source, flags) => checkSync(source, flags, UNHURRIED);
}
