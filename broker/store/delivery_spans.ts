import { isSampled, parseTraceparent } from "$lib/traceparent.ts";
import { endAfter } from "$lib/tracing.ts";
import type { StoreTracing } from "./handle.ts";
import type { BegunLine } from "./settle_lines.ts";

/** A delivery whose agent was told of it. */
export interface DeliveredObject {
  readonly agentId: string;
  readonly stackId: string;
  readonly objectId: string;
  /** The span of the object's submission, flagged for this agent. */
  readonly traceparent: string | undefined;
  /** Since when it was desired, and when the agent was told: milliseconds since the Unix epoch. */
  readonly desiredMs: number;
  readonly deliveredMs: number;
}

/** Settles so many agents of a line, as part of the trace of who asked for the change where that is recorded. */
export async function settleInSpan<T>(
  tracing: StoreTracing,
  { line: { scope, submission, removal }, agents }: { readonly line: BegunLine; readonly agents: number },
  settle: () => Promise<T>,
): Promise<T> {
  const asked = submission ?? removal;
  const parent = parseTraceparent(asked?.traceparent, asked?.tracestate);
  const attributes = { "brokkr.stack.id": scope.stackId, "brokkr.settle.agents": agents };
  const span = parent && isSampled(parent) ? tracing.begin("settle", { parent, attributes }) : undefined;
  if (span === undefined) return await settle();
  return await endAfter(span, () => tracing.within(span, settle));
}

/** Makes a span of how long an object waited until its agent was told, where the agent goes on with its trace. */
export function traceDeliveryWait(tracing: StoreTracing, delivered: DeliveredObject): void {
  const parent = parseTraceparent(delivered.traceparent);
  if (parent === undefined || !isSampled(parent)) return;
  tracing.begin("delivery wait", {
    parent,
    startMs: delivered.desiredMs,
    attributes: {
      "brokkr.agent.id": delivered.agentId,
      "brokkr.stack.id": delivered.stackId,
      "brokkr.deployment_object.id": delivered.objectId,
    },
  })?.end({ endMs: Math.max(delivered.desiredMs, delivered.deliveredMs) });
}
