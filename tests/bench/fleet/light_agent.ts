import { Snapshot } from "$lib/wire/snapshot.ts";
import type { Kind } from "../../../docs/generate/scale/measurement.ts";
import { waitForChanges } from "./held_request.ts";
import { KeptConnection } from "./kept_connection.ts";
import { pause } from "./pauses.ts";
import type { Samples } from "./samples.ts";

/** Room for an answer; a snapshot of a light agent is smaller. */
const SNAPSHOT_BYTES = 32 * 1024;
const NOTHING_BYTES = 2_048;
const HEARTBEAT = { k8s_reachable: true, k8s_api_latency_ms: 3, k8s_version: "v1.36.0", agent_version: "bench" };

/** How agents behave. */
export interface Behaviour {
  /** Milliseconds between two polls. */
  readonly pollEveryMs: number;
  /** Milliseconds between two heartbeats. */
  readonly heartbeatEveryMs: number;
  /** Whether they have a request held by the broker, as the real one has, and poll when that is answered. */
  readonly hasPush: boolean;
}

/** Who it is, and how it behaves. */
export interface LightAgentOptions extends Behaviour {
  readonly url: string;
  readonly id: string;
  readonly pak: string;
  /** Where what it sees goes; another one after each measurement. */
  readonly samples: () => Samples;
}

/**
 * An agent without a cluster: it polls, fetches what is new, reports it as applied; gives signs of life; and hears of
 * changes: each in a loop and on a connection of its own, as the real one does. Requests are due by the clock: one that
 * waits makes those after it late.
 */
export class LightAgent {
  readonly #options: LightAgentOptions;
  readonly #boot = crypto.randomUUID();
  readonly #reported = new Map<string, string>();
  #etag: string | undefined;
  #seq = 0;
  #revision = 0;
  /** Resolves when there is a revision. */
  readonly #hasRevision = Promise.withResolvers<void>();
  #polledInto: Samples | undefined;
  /** When the next poll is due, in milliseconds of `performance.now()`. */
  #pollDueMs = 0;
  /** Resolves when a poll is due earlier than was known. */
  #woken = Promise.withResolvers<void>();
  /** Resolves when the poll that begins next is over, however it ends. */
  #polled = Promise.withResolvers<void>();

  constructor(options: LightAgentOptions) {
    this.#options = options;
  }

  /** Works until the signal aborts; its first poll is due at `firstMs` of `performance.now()`. */
  async run(firstMs: number, signal: AbortSignal): Promise<void> {
    const { hasPush, url, id, pak } = this.#options;
    const revision = async () => {
      await this.#hasRevision.promise;
      return this.#revision;
    };
    const waiting = { url, id, pak, revision, nextRevision: () => this.#pollNow() };
    await Promise.all([
      this.#runPolls(firstMs, signal),
      this.#runHeartbeats(firstMs, signal),
      ...hasPush ? [waitForChanges(waiting, signal)] : [],
    ]);
  }

  async #runPolls(firstMs: number, signal: AbortSignal): Promise<void> {
    using connection = new KeptConnection({ ...this.#options, bufferBytes: SNAPSHOT_BYTES });
    this.#pollDueMs = firstMs;
    while (!signal.aborted) {
      const dueMs = this.#pollDueMs;
      if (dueMs > performance.now()) {
        this.#woken = Promise.withResolvers();
        await Promise.race([pause(dueMs - performance.now(), signal), this.#woken.promise]);
        continue;
      }
      const isDone = await connection.tried(() => this.#poll(connection, dueMs), signal);
      const nextMs = isDone ? dueMs + this.#options.pollEveryMs : performance.now();
      if (this.#pollDueMs === dueMs) this.#pollDueMs = nextMs;
    }
  }

  async #runHeartbeats(firstMs: number, signal: AbortSignal): Promise<void> {
    using connection = new KeptConnection({ ...this.#options, bufferBytes: NOTHING_BYTES });
    const { id, heartbeatEveryMs } = this.#options;
    let dueMs = firstMs + heartbeatEveryMs / 2;
    while (!signal.aborted) {
      await pause(dueMs - performance.now(), signal);
      if (signal.aborted) return;
      const isDone = await connection.tried(async () => {
        await connection.ask("POST", `/agents/${id}/heartbeat`, { wanted: [204], body: HEARTBEAT });
        this.#took("heartbeat", dueMs);
      }, signal);
      dueMs = isDone ? dueMs + heartbeatEveryMs : performance.now();
    }
  }

  /** Resolves when a poll that began after this is over, however it ends. */
  #pollNow(): Promise<void> {
    this.#pollDueMs = performance.now();
    this.#woken.resolve();
    return this.#polled.promise;
  }

  async #poll(connection: KeptConnection, dueMs: number): Promise<void> {
    const { resolve: polled } = this.#polled;
    this.#polled = Promise.withResolvers();
    try {
      await this.#pollOnce(connection, dueMs);
    } finally {
      polled();
    }
  }

  async #pollOnce(connection: KeptConnection, dueMs: number): Promise<void> {
    const headers = this.#etag === undefined ? [] : [`if-none-match: ${this.#etag}`];
    const path = `/agents/${this.#options.id}/snapshot`;
    const answer = await connection.ask("GET", path, { wanted: [200, 304], headers });
    this.#took(answer.status === 304 ? "poll" : "snapshot", dueMs);
    const samples = this.#options.samples();
    if (this.#polledInto !== samples) samples.polled += 1;
    this.#polledInto = samples;
    if (answer.status === 304) return;
    const { revision, stacks } = Snapshot.parse(JSON.parse(answer.text()));
    for (const stack of stacks) await this.#deliver(connection, stack, revision);
    [this.#etag, this.#revision] = [answer.etag, revision];
    this.#hasRevision.resolve();
  }

  async #deliver(connection: KeptConnection, stack: Snapshot["stacks"][number], revision: number): Promise<void> {
    const { stack_id, deployment_object: object, state } = stack;
    const wanted = state === "terminating" ? "removed" : object?.id;
    if (wanted === undefined || this.#reported.get(stack_id) === wanted) return;
    if (state === "present" && object !== null) {
      const startMs = performance.now();
      const headers = ["accept: application/yaml"];
      await connection.ask("GET", `/deployment-objects/${object.id}`, { wanted: [200], headers });
      this.#took("bundle", startMs);
    }
    const [startMs, agent_id] = [performance.now(), this.#options.id];
    const body = {
      ...{ agent_id, stack_id, boot_id: this.#boot, seq: ++this.#seq, attempts: 1, revision },
      ...(state === "terminating" ? { state: "removed" } : { state: "applied", deployment_object_id: object?.id }),
    };
    await connection.ask("POST", `/agents/${agent_id}/events`, { wanted: [200, 201, 204], body });
    this.#took("report", startMs);
    this.#reported.set(stack_id, wanted);
    this.#options.samples().reported += 1;
  }

  #took(kind: Kind, sinceMs: number): void {
    this.#options.samples().ms[kind].push(performance.now() - sinceMs);
  }
}
