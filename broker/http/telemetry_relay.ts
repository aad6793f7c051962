import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import type { Clock } from "$lib/clock.ts";
import { type ApiErrorCode, Failure } from "$lib/error.ts";
import type { OtlpSender, ReceiverAnswer } from "$lib/telemetry/otlp.ts";
import { BoundExceeded } from "../domain/bounds.ts";
import { mustBeSentBy } from "../domain/otlp_sender.ts";
import { codingOf } from "./body.ts";
import { problem } from "./problem.ts";

/** What agents may send through the broker. */
export const RELAYED = ["metrics", "traces", "logs"] as const;
/** One of {@linkcode RELAYED}. */
export type Relayed = (typeof RELAYED)[number];

/** The media type of OTLP's requests and answers. */
export const PROTOBUF = "application/x-protobuf";

/** What sends requests of agents on, by signal. */
export type RelaySenders = Readonly<Partial<Record<Relayed, Pick<OtlpSender, "pass">>>>;

/** What the relay is made of. */
export interface TelemetryRelayParts {
  readonly clock: Clock;
  /** To where the broker sends its own, for each signal that it sends. */
  readonly senders: RelaySenders;
}

/** An agent's request. */
export interface RelayRequest {
  readonly agentId: string;
  readonly signal: Relayed;
  readonly request: Request;
  /** Reads its body, of `maxBytes` at most. */
  readonly readBytes: (maxBytes: number) => Promise<Uint8Array<ArrayBuffer>>;
}

const INFLATED_MAX_BYTES = 4 * 1024 * 1024;
const IN_FLIGHT_MAX = 8;
const INTERVAL_MS = 5_000;
/**
 * Requests that may come at once, after so many intervals without any: those of a start, of an end, and of one export.
 */
const AT_ONCE_MAX = 6;

/**
 * Telemetry of agents that reach nothing but the broker, passed on to the broker's own receiver: of each agent one
 * request of each signal in five seconds on average, eight of all agents at once. A receiver is told apart from an
 * agent's mistakes: whatever the operator of the broker would have to mend is `telemetry_unavailable`.
 */
export class TelemetryRelay {
  readonly #parts: TelemetryRelayParts;
  readonly #turns: Turns;
  #inFlight = 0;

  constructor(parts: TelemetryRelayParts) {
    this.#parts = parts;
    this.#turns = new Turns(parts.clock);
  }

  /**
   * The answer to an agent's request.
   *
   * @throws {Failure} `agent_pak_mismatch` for the telemetry of anybody else; `invalid_request_body`, `too_large`,
   * `too_many_requests`, `unavailable`, `unsupported_encoding`; `telemetry_unavailable` where there is no receiver.
   */
  async pass({ agentId, signal, request, readBytes }: RelayRequest): Promise<Response> {
    const sender = this.#parts.senders[signal];
    if (sender === undefined) throw unavailable(`the broker itself sends ${signal} nowhere`);
    using _place = this.#enter();
    this.#turns.take(`${signal} ${agentId}`);
    const coding = codingOf(request, ["gzip"]);
    const sent = await readBytes(INFLATED_MAX_BYTES);
    const bytes = coding === undefined ? sent : await inflated(sent);
    mustBeSentBy(agentId, bytes);
    return asAnswer(await sender.pass(bytes, request.signal).catch(unreachable));
  }

  #enter(): Disposable {
    if (this.#inFlight >= IN_FLIGHT_MAX) {
      const message = `Cannot pass the telemetry on now: ${this.#inFlight} requests of agents are being passed on`;
      throw new BoundExceeded("telemetry", "unavailable", message);
    }
    this.#inFlight += 1;
    return { [Symbol.dispose]: () => this.#inFlight -= 1 };
  }
}

/** Who has taken how many turns of late. */
class Turns {
  readonly #clock: Clock;
  /**
   * Until when the turns of each would have lasted, one after the other; in the order in which they were taken last.
   */
  readonly #untilMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws {BoundExceeded} `too_many_requests` where the same has taken more of them than intervals went by. */
  take(whose: string): void {
    const nowMs = this.#clock.monotonic();
    for (const [former, untilMs] of this.#untilMs) {
      if (untilMs > nowMs) break;
      this.#untilMs.delete(former);
    }
    const untilMs = Math.max(nowMs, this.#untilMs.get(whose) ?? nowMs) + INTERVAL_MS;
    const earlyMs = untilMs - nowMs - AT_ONCE_MAX * INTERVAL_MS;
    if (earlyMs > 0) throw tooMany(earlyMs);
    this.#untilMs.delete(whose);
    this.#untilMs.set(whose, untilMs);
  }
}

function tooMany(earlyMs: number): BoundExceeded {
  const details = { retry_after_seconds: Math.ceil(earlyMs / 1_000) };
  const message = `Cannot pass the telemetry on: one request of a signal is, each ${
    INTERVAL_MS / 1_000
  } s for an agent`;
  return new BoundExceeded("telemetry", "too_many_requests", message, { details });
}

async function inflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await gunzipped(bytes, { maxOutputLength: INFLATED_MAX_BYTES }));
  } catch (cause) {
    if (!isTooLong(cause)) {
      throw new Failure("invalid_request_body", "Cannot read the body: it is no gzip", { cause });
    }
    const message = `Cannot take the body: it is larger than ${INFLATED_MAX_BYTES} bytes when it is unpacked`;
    throw new BoundExceeded("body_size", "too_large", message, { cause });
  }
}

const gunzipped = promisify<Uint8Array, { maxOutputLength: number }, Uint8Array>(gunzip);

function isTooLong(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
}

/** A receiver's own refusals are the broker's to mend where they are about the broker: its key, its address. */
function asAnswer({ status, body, retryAfterMs }: ReceiverAnswer): Response {
  if (status >= 200 && status < 300) {
    return new Response(new Uint8Array(body), { status: 200, headers: { "content-type": PROTOBUF } });
  }
  const later = (code: ApiErrorCode, what: string) =>
    problem(code, `Cannot pass the telemetry on: the broker's receiver ${what}`, {
      retry_after_seconds: Math.ceil((retryAfterMs || INTERVAL_MS) / 1_000),
    });
  if (status === 429) return later("too_many_requests", "takes no more now");
  if (status === 413) return problem("too_large", "Cannot pass the telemetry on: it is too large for the receiver");
  const isAboutBroker = [401, 403, 404].includes(status);
  if (isAboutBroker || status < 400 || status >= 500) {
    return later("telemetry_unavailable", `answers ${status}`);
  }
  return problem("telemetry_refused", `Cannot pass the telemetry on: the broker's receiver refuses it with ${status}`);
}

function unreachable(cause: unknown): never {
  throw unavailable("the broker's receiver does not answer", cause);
}

function unavailable(why: string, cause?: unknown): Failure {
  const details = { retry_after_seconds: INTERVAL_MS / 1_000 };
  return new Failure("telemetry_unavailable", `Cannot pass the telemetry on: ${why}`, { cause, details });
}
