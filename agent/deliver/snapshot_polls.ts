import type { SpanContext } from "@opentelemetry/api";
import type { Clock } from "$lib/clock.ts";
import { requestSpan } from "$lib/http_span.ts";
import type { Tracing } from "$lib/tracing.ts";
import type { Snapshot } from "$lib/wire/snapshot.ts";
import { spanClock } from "./turn_span.ts";

/** What tracing polls needs. */
export interface SnapshotPollsParts {
  readonly tracing: Pick<Tracing, "isOn" | "begin">;
  readonly clock: Clock;
  /** Where the broker is. */
  readonly server: URL;
}

/** When a poll went on, in milliseconds since the Unix epoch. */
interface Poll {
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * By which poll the agent was told of each object of its snapshot. A poll is of many stacks, and the broker samples
 * none: it is a span of each trace that the agent goes on with because of it.
 */
export class SnapshotPolls {
  readonly #parts: SnapshotPollsParts;
  #byObject: ReadonlyMap<string, Poll> = new Map();

  constructor(parts: SnapshotPollsParts) {
    this.#parts = parts;
  }

  /**
   * Hears of a snapshot that says something new, by a poll that has ended now and began then, by the clock's monotonic
   * time.
   */
  changed({ stacks }: Pick<Snapshot, "stacks">, beganMs: number): void {
    const { tracing, clock } = this.#parts;
    if (!tracing.isOn) return;
    const endMs = spanClock(clock).now();
    const poll = { startMs: endMs - (clock.monotonic() - beganMs), endMs };
    const ids = stacks.flatMap(({ deployment_object: object }) => object === null ? [] : [object.id]);
    this.#byObject = new Map(ids.map((id) => [id, this.#byObject.get(id) ?? poll]));
  }

  /** Makes a span of the poll that told of the object, as part of the trace of its submission. */
  trace(objectId: string, parent: SpanContext): void {
    const poll = this.#byObject.get(objectId);
    if (poll === undefined) return;
    const [name, options] = requestSpan({
      method: "GET",
      server: this.#parts.server,
      template: "/api/v1/agents/{id}/snapshot",
      attributes: { "http.response.status_code": 200 },
    });
    this.#parts.tracing.begin(name, { ...options, parent, startMs: poll.startMs })?.end({ endMs: poll.endMs });
  }
}
