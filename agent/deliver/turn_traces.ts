import type { Attributes, SpanContext } from "@opentelemetry/api";
import type { Clock } from "$lib/clock.ts";
import { isSampled, parseTraceparent } from "$lib/traceparent.ts";
import type { Tracing } from "$lib/tracing.ts";
import type { Records } from "../kube/records/records.ts";
import type { ApplyWork, RemoveWork, TurnContext, Work } from "../plan/plan.ts";
import type { SnapshotPolls } from "./snapshot_polls.ts";
import { RecordedSpan, spanClock, TurnSpan } from "./turn_span.ts";
import type { StackTurnEnd } from "./turn.ts";

/** What tracing turns needs. */
export interface TurnTracesParts {
  readonly tracing: Tracing;
  readonly clock: Clock;
  readonly agentId: string;
  /** What was applied before. */
  readonly records: Pick<Records, "knownOf">;
  /** Left out: no poll is traced. */
  readonly polls?: Pick<SnapshotPolls, "trace">;
  /** How long after a request a turn is part of its trace. */
  readonly joinWithinMs: number;
}

/** Why a turn was made. */
type Cause = "submission" | "change" | "retry" | "drift" | "resync";

/** Milliseconds until the same failure of a stack that is not sampled is exported again. */
const FAILURE_AGAIN_MS = 3_600_000;

/** What was exported last of a stack that fails. */
interface ExportedFailure {
  readonly reason: string;
  readonly atMs: number;
}

/**
 * The traces of turns. The turn that first does what was asked for, by a submission or a request that removes, goes on
 * with the trace of that, where it is sampled and not long ago; any other is a trace of its own that names it. What is
 * not sampled is noted, and exported when the turn fails: each stack's first failure, each change of its reason, and
 * then once an hour.
 */
export class TurnTraces {
  readonly #parts: TurnTracesParts;
  readonly #failures = new Map<string, ExportedFailure>();

  constructor(parts: TurnTracesParts) {
    this.#parts = parts;
  }

  /**
   * Runs a turn inside its span.
   *
   * @param perform Is given the span that is exported whatever becomes of the turn, if it is one.
   * @returns The end, with the span that was exported.
   */
  async run(
    work: Work,
    context: TurnContext,
    perform: (sampled: SpanContext | undefined) => Promise<StackTurnEnd>,
  ): Promise<StackTurnEnd> {
    const { tracing } = this.#parts;
    if (!tracing.isOn || work.kind === "wait") return await perform(undefined);
    const begun = this.#begin(work, context);
    try {
      const sampled = begun.recorded === undefined ? begun.turn.context : undefined;
      const end = await tracing.within(begun.turn, () => perform(sampled));
      return { ...end, trace: this.#ended(work, begun, end) };
    } finally {
      begun.turn.end(); // one that was given up has no result
    }
  }

  #begin(work: ApplyWork | RemoveWork, context: TurnContext): BegunTurn {
    const { tracing, agentId, clock, polls } = this.#parts;
    const cause = this.#causeOf(work, context);
    const asked = parseTraceparent(work.asked?.traceparent, work.asked?.tracestate);
    const isFirst = cause === (work.kind === "apply" ? "submission" : "change");
    const parent = isFirst && this.#mayJoin(work, asked) ? asked : undefined;
    if (parent !== undefined) polls?.trace(work, parent);
    const links = asked === undefined || parent !== undefined ? [] : [asked];
    const options = { links, attributes: attributesOf(work, { agentId, cause }) };
    const name = `${work.kind} stack`;
    const own = spanClock(clock);
    const isSampledHere = parent !== undefined || tracing.samples(agentId);
    const sampled = isSampledHere ? tracing.begin(name, { ...options, parent }) : undefined;
    if (sampled !== undefined) return { turn: new TurnSpan(sampled, own), recorded: undefined };
    const recorded = new RecordedSpan(() => [name, options], own);
    return { turn: new TurnSpan(recorded, own), recorded };
  }

  /** Whether it is applied for the first time the records say: a turn that was given up has left its word there. */
  #causeOf(work: ApplyWork | RemoveWork, { isDrift, isResync, failures }: TurnContext): Cause {
    if (isDrift) return "drift";
    if (isResync) return "resync";
    if (failures > 0) return "retry";
    if (work.kind === "remove") return "change";
    const { deploymentObjectId, wanted } = this.#parts.records.knownOf(work.stack.id) ?? {};
    if (deploymentObjectId === work.object.id) return "change";
    return wanted?.deploymentObjectId === work.object.id ? "retry" : "submission";
  }

  #mayJoin({ asked }: ApplyWork | RemoveWork, span: SpanContext | undefined): boolean {
    const { clock, joinWithinMs } = this.#parts;
    if (asked === undefined || span === undefined) return false;
    return isSampled(span) && clock.now() - Date.parse(asked.at) <= joinWithinMs;
  }

  /** Ends the turn's span; returns what was exported of it. */
  #ended({ stack }: Work, { turn, recorded }: BegunTurn, { result, reason }: StackTurnEnd): SpanContext | undefined {
    const failure = result === "failed" ? reason ?? result : undefined;
    turn.set({ "brokkr.turn.result": result, ...(reason === undefined ? {} : { "brokkr.turn.reason": reason }) });
    turn.end({ errorType: failure });
    const isDue = this.#isDue(stack.id, failure, { isExported: recorded === undefined });
    if (recorded === undefined) return turn.context;
    return isDue ? recorded.exportBy((name, options) => this.#parts.tracing.begin(name, options))?.context : undefined;
  }

  #isDue(stackId: string, failure: string | undefined, { isExported }: { readonly isExported: boolean }): boolean {
    if (failure === undefined) {
      this.#failures.delete(stackId);
      return false;
    }
    const atMs = this.#parts.clock.monotonic();
    const last = this.#failures.get(stackId);
    const isDue = last?.reason !== failure || atMs - last.atMs >= FAILURE_AGAIN_MS;
    if (isDue || isExported) this.#failures.set(stackId, { reason: failure, atMs });
    return isDue;
  }
}

interface BegunTurn {
  readonly turn: TurnSpan;
  /** Of a turn that is not sampled. */
  readonly recorded: RecordedSpan | undefined;
}

function attributesOf(
  work: ApplyWork | RemoveWork,
  { agentId, cause }: { readonly agentId: string; readonly cause: Cause },
): Attributes {
  return {
    "brokkr.agent.id": agentId,
    "brokkr.stack.id": work.stack.id,
    "brokkr.stack.name": work.stack.name,
    ...(work.kind === "apply" ? { "brokkr.deployment_object.id": work.object.id } : {}),
    "brokkr.turn.cause": cause,
  };
}
