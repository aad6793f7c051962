import type { Clock } from "$lib/clock.ts";
import type { SamplingSettings } from "$lib/telemetry/sampler.ts";
import { createTracing, type RunningTracing } from "$lib/telemetry/tracing.ts";
import { ManualClock } from "./manual_clock.ts";
import { type ReceivedSpan, receivedSpans } from "./otlp_spans.ts";

/** Tracing whose spans a test reads, from the bytes that a receiver would get. */
export interface RecordedTracing {
  readonly tracing: RunningTracing;
  /** All spans that have ended so far, in their order. */
  spans(): Promise<readonly ReceivedSpan[]>;
  /** How many found the queue full. */
  readonly lost: () => number;
}

/** How a test wants them. */
export interface RecordingOptions extends Partial<SamplingSettings> {
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** Tracing that samples everything, unless it is told otherwise. */
export function recordedTracing(
  { clock = new ManualClock(), random = Math.random, ...sampling }: RecordingOptions = {},
) {
  const received: ReceivedSpan[] = [];
  let lost = 0;
  const tracing = createTracing({
    ...{ ratio: 1, followsParent: true, maxFollowedPerSecond: 10, ...sampling, clock, random },
    resource: () => ({ "service.name": "brokkr-test" }),
    sender: {
      send(payload) {
        received.push(...receivedSpans(payload));
        return Promise.resolve({ kind: "accepted", body: new Uint8Array() });
      },
    },
    maxBytes: 500_000,
    outcomes: { ended: () => {}, queueFull: () => lost += 1 },
  });
  const recorded: RecordedTracing = {
    tracing,
    lost: () => lost,
    async spans() {
      await tracing.flush();
      return received;
    },
  };
  return recorded;
}
