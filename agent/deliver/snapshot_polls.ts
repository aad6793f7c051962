import type { SpanContext } from "@opentelemetry/api";
import type { Clock } from "$lib/clock.ts";
import { requestSpan } from "$lib/http_client/http_span.ts";
import type { Tracing } from "$lib/tracing.ts";
import type { Snapshot } from "$lib/wire/snapshot.ts";
import type { ApplyWork, RemoveWork } from "../plan/plan.ts";
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
 * By which poll the agent was told of each object of its snapshot, and of each removal. A poll is of many stacks, and
 * the broker samples none: it is a span of each trace that the agent goes on with because of it.
 */
export class SnapshotPolls {
  readonly #parts: SnapshotPollsParts;
  /** By the id of the object, and by that of the stack that is removed. */
  #polls: ReadonlyMap<string, Poll> = new Map();

  constructor(parts: SnapshotPollsParts) {
    this.#parts = parts;
  }

  /**
   * Hears of a snapshot that says something new, by a poll that has ended now and began then, by the clock's monotonic
   * time.
   */
  changed({ stacks, removals = [] }: Pick<Snapshot, "stacks" | "removals">, beganMs: number): void {
    const { tracing, clock } = this.#parts;
    if (!tracing.isOn) return;
    const endMs = spanClock(clock).now();
    const poll = { startMs: endMs - (clock.monotonic() - beganMs), endMs };
    const objectIds = stacks.flatMap(({ deployment_object: object }) => object === null ? [] : [object.id]);
    const ids = [...objectIds, ...removals.map(({ stack_id: stackId }) => stackId)];
    this.#polls = new Map(ids.map((id) => [id, this.#polls.get(id) ?? poll]));
  }

  /** Makes a span of the poll that told of the work, as part of the trace in which that was asked for. */
  trace(work: ApplyWork | RemoveWork, parent: SpanContext): void {
    const poll = this.#polls.get(work.kind === "apply" ? work.object.id : work.stack.id);
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
