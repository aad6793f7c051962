import type { SpanContext } from "@opentelemetry/api";
import type { Log } from "$lib/log.ts";
import type { NewAgentEvent } from "$lib/wire/event.ts";
import { Reports, type StackReport } from "../../agent/loops/report.ts";

/** Who reports. */
export const AGENT_ID = "11111111-1111-4111-8111-111111111111";
/** One start of the agent that reports. */
export const BOOT_ID = "22222222-2222-4222-8222-222222222222";
/** The deployment object of every report. */
export const OBJECT_ID = "33333333-3333-4333-8333-333333333333";

/** Reports whose sends end as `endings` say, in order, then well; `said` is what they log. */
export function reports(...endings: (Error | (() => void) | undefined)[]) {
  const sent: NewAgentEvent[] = [];
  const traces: (SpanContext | undefined)[] = [];
  const said: string[] = [];
  const pending: number[] = [];
  const silent = () => {};
  const say = (message: string) => said.push(message);
  const log: Log = { debug: silent, info: silent, warn: say, error: say };
  const all = new Reports({
    agentId: AGENT_ID,
    bootId: BOOT_ID,
    log,
    pending: { record: (value) => pending.push(value) },
    send: async (event, trace) => {
      sent.push(event);
      traces.push(trace);
      const ending = endings.shift();
      if (ending instanceof Error) throw ending;
      await Promise.resolve();
      ending?.();
    },
  });
  return { all, sent, traces, said, pending, signal: new AbortController().signal };
}

/** A report of a stack that is as it should be. */
export function applied(stackId: string, rest: Partial<StackReport> = {}): StackReport {
  return { stackId, objectId: OBJECT_ID, state: "applied", ...rest };
}
