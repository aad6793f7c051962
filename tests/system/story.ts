import { type Part, testWith } from "../run/parts.ts";

/** What a story runs on: each element is one run, with the parts that it takes beside embedded and simulated. */
export const EVERYWHERE: readonly (readonly Part[])[] = [[], ["postgres", "nodes"]];
/** Those, and through a pooler. */
export const POOLED_TOO: readonly (readonly Part[])[] = [...EVERYWHERE, ["postgres", "pgbouncer"]];
/** The embedded database and the simulated cluster only. */
export const LIGHT: readonly (readonly Part[])[] = [[]];

/** Registers a story of scenarios.md as one test for each ground, named by number, ground and claim. */
export function story(
  claim: string,
  grounds: readonly (readonly Part[])[],
  run: (parts: readonly Part[]) => Promise<void>,
): void {
  for (const parts of grounds) {
    const database = parts.includes("pgbouncer") ? "PgBouncer" : parts.includes("postgres") ? "PostgreSQL" : "embedded";
    const cluster = parts.includes("nodes") ? "real control plane" : "simulated cluster";
    testWith(parts, `story ${claim} [${database}, ${cluster}]`, () => run(parts));
  }
}
