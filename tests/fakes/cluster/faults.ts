import { aborted } from "$lib/clock.ts";
import { ApiFailure } from "./failure.ts";

/** What a request is, as the audit and the faults see it. */
export interface RequestFacts {
  /** As Kubernetes names it: get, list, watch, create, update, patch, delete, deletecollection. */
  readonly verb: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly userAgent: string;
  /** What the path names, where it names a resource. */
  readonly group?: string;
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
  /** As whom the client acts: `Impersonate-User`, else `admin`. */
  readonly user: string;
  readonly groups: readonly string[];
  /** The field manager that the query names. */
  readonly manager?: string;
  readonly isDryRun: boolean;
  /** The media type of the body, as `application/apply-patch+yaml`. */
  readonly contentType: string;
}

/** Which requests a fault hits: those that match every part given. */
export interface FaultMatcher {
  readonly verb?: string;
  readonly method?: string;
  /** The whole path, or a pattern that it matches. */
  readonly path?: string | RegExp;
  /** Part of the query, as `dryRun=All`. */
  readonly query?: string;
  readonly userAgent?: RegExp;
  readonly resource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** Anything else that the facts tell. */
  readonly where?: (facts: RequestFacts) => boolean;
}

/** What a matching request gets instead of its answer. */
export interface FaultAnswer {
  /** How often; once when left out, `Infinity` until the fault is taken back. */
  readonly times?: number;
  /** Waits so long first. With no other field, the request is then served as usual. */
  readonly delayMs?: number;
  /** Waits until this resolves first. As `delayMs` otherwise. */
  readonly until?: Promise<void>;
  /** Answers with this code. */
  readonly status?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly retryAfterSeconds?: number;
  /** Breaks the connection before the body or in the middle of it, or never answers. */
  readonly connection?: "close" | "truncate" | "hang";
  /** With `connection`, serves the request before: it took effect, and the client does not learn so. */
  readonly isServed?: boolean;
}

interface Fault {
  readonly matcher: FaultMatcher;
  readonly answer: FaultAnswer;
  left: number;
}

/** The faults in force; the first that matches a request is used up by it. */
export class Faults {
  readonly #faults = new Set<Fault>();

  /** Adds a fault; the returned function takes it back. */
  add(matcher: FaultMatcher, answer: FaultAnswer): () => void {
    const fault = { matcher, answer, left: answer.times ?? 1 };
    this.#faults.add(fault);
    return () => this.#faults.delete(fault);
  }

  /** Takes the answer of the first fault that hits the request. */
  take(facts: RequestFacts): FaultAnswer | undefined {
    for (const fault of this.#faults) {
      if (!hits(fault.matcher, facts)) continue;
      fault.left -= 1;
      if (fault.left <= 0) this.#faults.delete(fault);
      return fault.answer;
    }
    return undefined;
  }
}

/** Plays the fault, in which `serve` serves the request as usual. */
export async function playFault(
  answer: FaultAnswer,
  { serve, signal }: { serve: () => Promise<Response>; signal: AbortSignal },
): Promise<Response> {
  if (answer.delayMs !== undefined) await pause(answer.delayMs, signal);
  if (answer.until !== undefined) await Promise.race([answer.until, aborted(signal)]);
  if (answer.connection === "truncate") return await truncated(await serve());
  const served = answer.isServed === true ? await serve() : undefined;
  if (answer.connection === "hang") await pause(Infinity, signal);
  if (answer.connection === "close") return brokenResponse("");
  return answer.status === undefined ? served ?? await serve() : faultResponse(answer.status, answer);
}

/** The first half of an answer, whose connection then breaks. */
async function truncated(response: Response): Promise<Response> {
  const text = await response.text();
  return brokenResponse(text.slice(0, text.length / 2));
}

function faultResponse(status: number, answer: FaultAnswer): Response {
  const headers = new Headers();
  if (answer.retryAfterSeconds !== undefined) headers.set("retry-after", String(answer.retryAfterSeconds));
  if (status === 429 && answer.message === undefined) {
    if (!headers.has("retry-after")) headers.set("retry-after", "1");
    return new Response("Too many requests, please try again later.\n", { status, headers });
  }
  const failure = new ApiFailure(status, answer.reason ?? REASONS[status] ?? "", answer.message ?? "injected fault");
  return Response.json(failure.status(), { status, headers });
}

const REASONS: Record<number, string> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
  410: "Expired",
  422: "Invalid",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

function hits(matcher: FaultMatcher, facts: RequestFacts): boolean {
  const { path } = matcher;
  return (matcher.verb === undefined || matcher.verb === facts.verb) &&
    (matcher.method === undefined || matcher.method === facts.method) &&
    (path === undefined || (typeof path === "string" ? path === facts.path : path.test(facts.path))) &&
    (matcher.query === undefined || facts.query.includes(matcher.query)) &&
    (matcher.resource === undefined || matcher.resource === facts.resource) &&
    (matcher.namespace === undefined || matcher.namespace === facts.namespace) &&
    (matcher.name === undefined || matcher.name === facts.name) &&
    (matcher.where === undefined || matcher.where(facts)) &&
    (matcher.userAgent === undefined || matcher.userAgent.test(facts.userAgent));
}

/** A response that ends before its body has the length it promised: the client sees the connection break. */
function brokenResponse(text: string): Response {
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
  const headers = { "content-type": "application/json", "content-length": String(bytes.length + 1_000) };
  return new Response(body, { headers });
}

/** Waits, at most until the signal. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = Number.isFinite(ms) ? setTimeout(end, ms) : undefined;
    signal.addEventListener("abort", end, { once: true });
    function end() {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    }
  });
}
