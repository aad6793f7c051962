import { Snapshot } from "$lib/wire/snapshot.ts";
import { type Answer, Connection } from "../hot_paths/connection.ts";
import { requestBytes } from "../hot_paths/paths.ts";
import { waitForChanges } from "./held_request.ts";
import { pause, reconnectMs } from "./pauses.ts";
import type { Kind, Samples } from "./samples.ts";

/** Room for an answer; a snapshot of a light agent is smaller. */
const BUFFER_BYTES = 32 * 1024;
const HEARTBEAT = { k8s_reachable: true, k8s_api_latency_ms: 3, k8s_version: "v1.36.0", agent_version: "bench" };

/** Who it is, and how it behaves. */
export interface LightAgentOptions {
  readonly url: string;
  readonly id: string;
  readonly pak: string;
  /** Milliseconds between two polls, and between two heartbeats. */
  readonly everyMs: number;
  /** Whether it has a request held by the broker, as the real one has, and polls when that is answered. */
  readonly hasPush: boolean;
  /** Where what it sees goes; another one after each measurement. */
  readonly samples: () => Samples;
}

/**
 * An agent without a cluster: it polls, fetches what is new, reports it as applied and gives signs of life, on one
 * connection that it keeps, and hears of changes on another, as the real one does. Requests are due by the clock: one that
 * waits makes those after it late.
 */
export class LightAgent {
  readonly #options: LightAgentOptions;
  readonly #boot = crypto.randomUUID();
  readonly #reported = new Map<string, string>();
  #connection: Connection | undefined;
  #etag: string | undefined;
  #seq = 0;
  #revision: number | undefined;
  #polledInto: Samples | undefined;
  /** When what is done next is due, in milliseconds of `performance.now()`. */
  #due = { poll: 0, heartbeat: 0 };
  /** Resolves when something is due earlier than was known. */
  #woken = Promise.withResolvers<void>();
  /** Resolves when the poll that begins next is over, however it ends. */
  #polled = Promise.withResolvers<void>();

  constructor(options: LightAgentOptions) {
    this.#options = options;
  }

  /** Works until the signal aborts; its first poll is due at `firstMs` of `performance.now()`. */
  async run(firstMs: number, signal: AbortSignal): Promise<void> {
    const { everyMs, hasPush, url, id, pak } = this.#options;
    this.#due = { poll: firstMs, heartbeat: firstMs + everyMs / 2 };
    const waiting = hasPush
      ? waitForChanges({ url, id, pak, revision: () => this.#revision, nextRevision: () => this.#pollNow() }, signal)
      : undefined;
    while (!signal.aborted) await this.#turn(signal);
    this.#connection?.[Symbol.dispose]();
    await waiting;
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const kind = this.#due.poll <= this.#due.heartbeat ? "poll" : "heartbeat";
    const dueMs = this.#due[kind];
    this.#woken = Promise.withResolvers();
    await Promise.race([pause(dueMs - performance.now(), signal), this.#woken.promise]);
    if (signal.aborted || this.#due[kind] !== dueMs || dueMs > performance.now()) return;
    const isDone = await this.#tried(() => kind === "poll" ? this.#poll(dueMs) : this.#beat(dueMs), signal);
    if (this.#due[kind] === dueMs) this.#due[kind] = isDone ? dueMs + this.#options.everyMs : performance.now();
  }

  /** Resolves when a poll that began after this is over, however it ends; the first of all is waited for, not made. */
  #pollNow(): Promise<void> {
    if (this.#revision !== undefined) this.#due.poll = performance.now();
    this.#woken.resolve();
    return this.#polled.promise;
  }

  async #tried(work: () => Promise<void>, signal: AbortSignal): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      const { errors } = this.#options.samples();
      const name = error instanceof UnwantedAnswer ? error.message : "no answer";
      errors[name] = (errors[name] ?? 0) + 1;
      this.#connection?.[Symbol.dispose]();
      this.#connection = undefined;
      await pause(reconnectMs(), signal);
      return false;
    }
  }

  async #poll(dueMs: number): Promise<void> {
    const { resolve: polled } = this.#polled;
    this.#polled = Promise.withResolvers();
    try {
      await this.#pollOnce(dueMs);
    } finally {
      polled();
    }
  }

  async #pollOnce(dueMs: number): Promise<void> {
    const { id } = this.#options;
    const headers = this.#etag === undefined ? [] : [`if-none-match: ${this.#etag}`];
    const answer = await this.#ask("GET", `/agents/${id}/snapshot`, [200, 304], { headers });
    this.#took(answer.status === 304 ? "poll" : "snapshot", dueMs);
    const samples = this.#options.samples();
    if (this.#polledInto !== samples) samples.polled += 1;
    this.#polledInto = samples;
    if (answer.status === 200) await this.#take(Snapshot.parse(JSON.parse(answer.text())), answer.etag);
  }

  async #take({ revision, stacks }: Snapshot, etag: string | undefined): Promise<void> {
    for (const stack of stacks) await this.#deliver(stack, revision);
    [this.#etag, this.#revision] = [etag, revision];
  }

  async #deliver({ stack_id, deployment_object: object, state }: Snapshot["stacks"][number], revision: number) {
    const wanted = state === "terminating" ? "removed" : object?.id;
    if (wanted === undefined || this.#reported.get(stack_id) === wanted) return;
    if (state === "present" && object !== null) {
      const startMs = performance.now();
      await this.#ask("GET", `/deployment-objects/${object.id}`, [200], { headers: ["accept: application/yaml"] });
      this.#took("bundle", startMs);
    }
    const [startMs, agent_id] = [performance.now(), this.#options.id];
    const body = {
      ...{ agent_id, stack_id, boot_id: this.#boot, seq: ++this.#seq, attempts: 1, revision },
      ...(state === "terminating" ? { state: "removed" } : { state: "applied", deployment_object_id: object?.id }),
    };
    await this.#ask("POST", `/agents/${agent_id}/events`, [200, 201, 204], { body });
    this.#took("report", startMs);
    this.#reported.set(stack_id, wanted);
    this.#options.samples().reported += 1;
  }

  async #beat(dueMs: number): Promise<void> {
    await this.#ask("POST", `/agents/${this.#options.id}/heartbeat`, [204], { body: HEARTBEAT });
    this.#took("heartbeat", dueMs);
  }

  #took(kind: Kind, sinceMs: number): void {
    this.#options.samples().ms[kind].push(performance.now() - sinceMs);
  }

  async #ask(
    method: string,
    path: string,
    wanted: readonly number[],
    content: { readonly headers?: readonly string[]; readonly body?: object },
  ): Promise<Answer> {
    this.#connection ??= await Connection.open(this.#options.url, BUFFER_BYTES);
    const answer = await this.#connection.ask(
      requestBytes(method, `/api/v1${path}`, { ...content, pak: this.#options.pak }),
    );
    if (!wanted.includes(answer.status)) throw new UnwantedAnswer(`${method} ${answer.status}`);
    return answer;
  }
}

class UnwantedAnswer extends Error {}
