import type { Dice } from "./dice.ts";
import type { IdleClock } from "./idle_clock.ts";
import type { Traffic } from "./traffic.ts";

/** What happens to an exchange with the broker: it breaks before or after it was served, is late, or never ends. */
export type BrokerFault =
  | { readonly kind: "cut" | "freeze"; readonly isServed: boolean }
  | { readonly kind: "truncate" }
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "status"; readonly status: number; readonly retryAfterSeconds?: number };

/** What the gate is made of. */
export interface BrokerGateParts {
  readonly clock: IdleClock;
  readonly traffic: Traffic;
  /** Serves a request; rejects while the broker is down. */
  readonly serve: (request: Request) => Promise<Response>;
  /** Hears a request before it is served, and an answer that the agent has whole. */
  readonly onAsked: (request: AskedBroker) => void;
  readonly onHeard: (request: AskedBroker, answer: { readonly status: number; readonly text: string }) => void;
}

/** A request of the agent's. */
export interface AskedBroker {
  readonly method: string;
  readonly path: string;
  readonly body: string | undefined;
}

/** The requests that the broker holds until there is something to tell. */
const HELD = /\/changes$/;

/** What stands between one life of the agent and the broker, as its `fetch`. */
export class BrokerGate {
  readonly #parts: BrokerGateParts;
  readonly #dead = new AbortController();
  #faults: (() => BrokerFault | undefined) | undefined;

  constructor(parts: BrokerGateParts) {
    this.#parts = parts;
  }

  /** From now on each exchange has its fault, or none; undefined ends that. */
  fail(next: (() => BrokerFault | undefined) | undefined): void {
    this.#faults = next;
  }

  /** Nothing gets through any more. */
  die(): void {
    this.#dead.abort(new TypeError("killed"));
  }

  readonly fetch: typeof fetch = (input, init) => {
    const request = new Request(input, init);
    const signal = AbortSignal.any([request.signal, this.#dead.signal]);
    return this.#parts.traffic.during(() => this.#exchange(request, signal));
  };

  async #exchange(request: Request, signal: AbortSignal): Promise<Response> {
    signal.throwIfAborted();
    const body = request.body === null ? undefined : await request.text();
    const { method, headers } = request;
    const asked = { method, path: new URL(request.url).pathname, body };
    const isHeld = HELD.test(asked.path);
    const serve = () => {
      return isHeld
        ? this.#hold(request, { asked, signal })
        : this.#serve(new Request(request.url, { method, headers, body }), asked);
    };
    const fault = this.#faults?.();
    if (fault?.kind === "delay") await this.#parts.traffic.held(() => this.#parts.clock.sleep(fault.ms, signal));
    if (fault === undefined || fault.kind === "delay") return await this.#whole(await serve(), asked);
    if (fault.kind === "status") return refusal(fault);
    if (fault.kind === "truncate") return truncated(await serve());
    if (fault.isServed) await serve();
    if (fault.kind === "freeze") await this.#parts.traffic.held(() => aborted(signal));
    throw new TypeError("connection closed");
  }

  /**
   * A held request keeps no time from passing. Its own time is over by the agent's clock, not by the broker's: then the
   * broker hears that its client leaves, and answers as it does when the time is over.
   */
  async #hold(
    { url, method, headers }: Request,
    { asked, signal }: { readonly asked: AskedBroker; readonly signal: AbortSignal },
  ): Promise<Text> {
    const { clock, traffic } = this.#parts;
    const over = new AbortController();
    const waitMs = Number(new URL(url).searchParams.get("wait")) * 1_000;
    const cancel = clock.after(waitMs, () => over.abort());
    try {
      const request = new Request(url, { method, headers, signal: AbortSignal.any([signal, over.signal]) });
      const answer = await traffic.held(() => this.#serve(request, asked));
      signal.throwIfAborted();
      return answer;
    } finally {
      cancel();
    }
  }

  async #serve(request: Request, asked: AskedBroker): Promise<Text> {
    this.#parts.onAsked(asked);
    const { status, headers, ...answer } = await this.#parts.serve(request).then(textOf);
    this.#dead.signal.throwIfAborted();
    return { status, headers, text: answer.text };
  }

  #whole({ status, headers, text }: Text, asked: AskedBroker): Response {
    this.#parts.onHeard(asked, { status, text });
    return new Response(isBodiless(status) ? null : text, { status, headers });
  }
}

interface Text {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function textOf(answer: Response): Promise<Text> {
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

function isBodiless(status: number): boolean {
  return status === 204 || status === 304;
}

function refusal({ status, retryAfterSeconds }: { readonly status: number; readonly retryAfterSeconds?: number }) {
  const headers = retryAfterSeconds === undefined ? undefined : { "retry-after": String(retryAfterSeconds) };
  return Response.json({ code: "injected", message: "injected fault" }, { status, headers });
}

function truncated({ status, headers, text }: Text): Response {
  if (isBodiless(status)) throw new TypeError("connection closed");
  const half = new TextEncoder().encode(text.slice(0, text.length / 2));
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(half);
      controller.error(new TypeError("connection closed"));
    },
  });
  return new Response(body, { status, headers });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

const FAULTS: readonly BrokerFault[] = [
  { kind: "cut", isServed: false },
  { kind: "cut", isServed: true },
  { kind: "truncate" },
  { kind: "delay", ms: 5_000 },
  { kind: "delay", ms: 14_000 },
  { kind: "freeze", isServed: true },
  { kind: "freeze", isServed: false },
  { kind: "status", status: 500 },
  { kind: "status", status: 503 },
  { kind: "status", status: 429, retryAfterSeconds: 30 },
];

/** Faults for a part of the exchanges. */
export function brokerFaults(dice: Dice): () => BrokerFault | undefined {
  const probability = dice.isHit(0.3) ? 1 : 0.4;
  return () => dice.isHit(probability) ? dice.pick(FAULTS) : undefined;
}
