import type { z } from "zod";
import { isFailure, messageOf } from "$lib/error.ts";
import { backoffMs } from "$lib/retry.ts";
import { DeploymentObject } from "$lib/wire/stack.ts";
import type { Answer } from "./api.ts";
import { type ClientParts, EXIT } from "./declaration.ts";
import type { Format, Goal } from "./flags.ts";
import { findStack, type Named } from "./names.ts";
import { textOf } from "./output.ts";
import { plain } from "./text.ts";
import { awaitGoal, type WaitOutcome } from "./wait.ts";
import { endLines } from "./wait_text.ts";

/** What was submitted. */
export interface Submitted {
  readonly stack: Named;
  readonly object: { readonly id: string; readonly sequenceId: number; readonly checksum: string };
  /** Whether it was there already, so that nothing was submitted. */
  readonly isUnchanged: boolean;
  /** Agents that are to have it, whatever labels say. */
  readonly agentIds: readonly string[];
}

/** What comes after a submission. */
export interface AfterOptions {
  readonly wait: Goal | undefined;
  readonly timeout: number;
  readonly output: Format;
}

const RETRY = { minMs: 500, maxMs: 5_000 };
/** For how long a broker that does not answer is asked again where nothing is waited for. */
const PATIENCE_MS = 30_000;
const UNCHANGED = "brokkr-unchanged";

/** Submits again what was submitted before. */
export async function rollBack(
  nameOrId: string,
  { to, ...options }: AfterOptions & { readonly to: number },
  parts: ClientParts,
): Promise<Submitted> {
  const headers = { "idempotency-key": parts.newId() };
  return await persistently(
    async () => {
      const stack = await findStack(parts.api, nameOrId);
      const sent = { method: "POST", json: { sequence_id: to }, headers } as const;
      return submittedBy(stack, await parts.api.send(`stacks/${stack.id}/rollback`, DeploymentObject, sent), []);
    },
    options,
    parts,
  );
}

/** The outcome of a submission. */
export function submittedBy(
  stack: Named,
  { value, headers }: Answer<z.output<typeof DeploymentObject>>,
  agentIds: readonly string[],
): Submitted {
  const object = { id: value.id, sequenceId: value.sequence_id, checksum: value.yaml_checksum };
  return { stack, object, isUnchanged: headers.get(UNCHANGED) === "true", agentIds };
}

/**
 * Does what may be done twice, again and again while the broker does not answer: its caller gives it a key by which a
 * submission that arrived is known.
 */
export async function persistently<T>(
  work: () => Promise<T>,
  { wait, timeout }: Pick<AfterOptions, "wait" | "timeout">,
  { clock, signal, terminal }: ClientParts,
): Promise<T> {
  const endMs = clock.monotonic() + (wait === undefined ? Math.min(PATIENCE_MS, timeout) : timeout);
  for (let failures = 1;; failures += 1) {
    try {
      return await work();
    } catch (error) {
      const pauseMs = backoffMs(failures, RETRY);
      const isPassing = isFailure(error, "broker_unavailable") && error.details?.isLasting !== true;
      if (!isPassing || clock.monotonic() + pauseMs > endMs) throw error;
      if (failures === 1) terminal.notes.write(`${plain(messageOf(error))}; it is asked again\n`);
      await clock.sleep(pauseMs, signal);
    }
  }
}

/** Says what was submitted, waits where that is wanted, and says how it went; the exit code. */
export async function finish(submitted: Submitted, options: AfterOptions, parts: ClientParts): Promise<number> {
  const { terminal } = parts;
  const { stack, object, isUnchanged } = submitted;
  const line = `Stack "${plain(stack.name)}": submission ${object.sequenceId} ${
    isUnchanged ? "is unchanged" : "is submitted"
  }\n`;
  if (options.output === "table") terminal.output.write(line);
  const outcome = options.wait === undefined
    ? undefined
    : await awaitGoal({ ...submitted, goal: options.wait, timeoutMs: options.timeout }, parts);
  if (outcome !== undefined) terminal.notes.write(endLines(outcome, submitted, parts).join("\n") + "\n");
  if (options.output !== "table") terminal.output.write(await textOf(bodyOf(submitted, outcome), options.output));
  return outcome === undefined ? EXIT.done : EXIT_OF[outcome.kind];
}

const EXIT_OF: Readonly<Record<WaitOutcome["kind"], number>> = {
  there: EXIT.done,
  failed: EXIT.failed,
  timed_out: EXIT.timedOut,
  interrupted: EXIT.interrupted,
};

function bodyOf({ stack, object, isUnchanged }: Submitted, outcome: WaitOutcome | undefined) {
  return {
    stack: { id: stack.id, name: stack.name },
    deployment_object: { id: object.id, sequence_id: object.sequenceId, yaml_checksum: object.checksum },
    unchanged: isUnchanged,
    ...(outcome === undefined ? {} : {
      outcome: outcome.kind,
      why: outcome.why ?? null,
      agents: outcome.counts ?? null,
      causes: outcome.causes ?? [],
    }),
  };
}
