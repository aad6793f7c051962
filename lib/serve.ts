import type { Clock } from "$lib/clock.ts";
import { type ApiErrorCode, messageOf, STATUS_OF } from "$lib/error.ts";
import { type Log, withoutSecrets } from "$lib/log.ts";
import { LongAnswer } from "$lib/serve/long_answer.ts";
import { OpenAnswers } from "$lib/serve/open_answers.ts";
import type { Span } from "$lib/tracing.ts";

/** The methods that are told apart when requests are counted; any other is `OTHER`. */
export const HTTP_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "OTHER"] as const;
/** One of {@linkcode HTTP_METHODS}. */
export type HttpMethod = (typeof HTTP_METHODS)[number];

/** What only the application knows of a request: it fills this in as soon as it does. */
export interface Exchange {
  /** The template of the route that matched, never the raw path; `unmatched` until the application says. */
  endpoint: string;
  /** Whether it is held until something happens, so that its time says nothing. */
  isHeld: boolean;
  /** When it came, by the clock's monotonic time. */
  readonly startMs: number;
  /** That of a sampled one, once the application knows who asks; it ends with the answer. */
  span?: Span | undefined;
}

/** What is served beside `/healthz`, `/readyz` and `/metrics`. */
export type Application = (request: Request, exchange: Exchange, sending?: Sending) => Response | Promise<Response>;

/** A request that has been answered. */
export interface AnsweredRequest {
  readonly method: HttpMethod;
  readonly endpoint: string;
  /** 499 when the client left before there was an answer. */
  readonly status: number;
  /** From the request's head until its answer was handed to the server: Deno says when it was sent of streams only. */
  readonly seconds: number;
  /** See {@linkcode Exchange.isHeld}. */
  readonly isHeld: boolean;
  /** See {@linkcode Exchange.span}; it has ended. */
  readonly span?: Span | undefined;
}

/** Whether requests should come here now, and the body that says so. */
export interface Readiness {
  readonly isReady: boolean;
  readonly text: string;
}

/** What a {@linkcode RequestHandler} is made of. */
export interface RequestHandlerParts {
  /** Answers every other path; without it none is found. */
  readonly application?: Application;
  /**
   * Answers `/readyz`, asked at most every 2 s; an error is not ready. It bounds what it waits for. Without it: no
   * probes.
   */
  readonly readiness?: () => Promise<Readiness>;
  /** Answers `/metrics`; without it the application does. */
  readonly metrics?: (request: Request) => Promise<Response>;
  /** Hears of every request once, right before its answer is sent. */
  readonly onAnswered?: (answered: AnsweredRequest) => void;
  /** Hears of each long answer to anybody that was refused or broken off, by which bound. */
  readonly onBounded?: (bound: "in_flight" | "slow_reader") => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** What a listener knows of a request, and how it stands to it while it stops. */
export interface Sending {
  /** Whether the request came after the listener was told to stop: it is refused. */
  readonly isLate?: boolean;
  /**
   * False where the listener wants a certificate of each client, and has none of this one: probes and the page go on.
   */
  readonly isCertified?: boolean | undefined;
  /** The address at the other end of the connection; empty where it has none. */
  connectionFrom?(): string;
  /** Runs `work` when there is no time left to wait for an answer, unless the returned function is called first. */
  onCutOff?(work: () => void): () => void;
}

/** Answers every request of a listener; never rejects. */
export type RequestHandler = (request: Request, sending?: Sending) => Promise<Response>;

const READINESS_KEPT_MS = 2_000;
const CLIENT_LEFT = 499;
const SERVER_ERROR_MIN = 500;

/** Puts `/healthz`, `/readyz` and `/metrics` beside an application and observes them all. */
export function createRequestHandler(parts: RequestHandlerParts): RequestHandler {
  const { clock, onAnswered } = parts;
  const answer = bounded(answering(parts), parts);
  return async (request, sending = {}) => {
    const startMs = clock.monotonic();
    const { signal, method } = request; // a signal first asked for after the client left would not say so
    // What the application fills in is what observers are told: a second object for each request would be felt.
    const exchange = {
      ...{ method: methodOf(method), endpoint: "unmatched", isHeld: false, status: 0, seconds: 0, startMs },
      span: undefined as Span | undefined,
    };
    const response = sending.isLate === true ? stopping() : await inTime(answer(request, exchange, sending), sending);
    exchange.status = signal.aborted ? CLIENT_LEFT : response.status;
    exchange.seconds = (clock.monotonic() - startMs) / 1_000;
    if (exchange.span !== undefined) endSpan(exchange.span, exchange.status);
    onAnswered?.(exchange);
    return response;
  };
}

/** What nobody's key was asked for is sent to so many at once as there is room for, where it is long. */
function bounded(answer: Answerer, { clock, onBounded }: RequestHandlerParts): Answerer {
  const answers = new OpenAnswers({ clock, onSlowReader: () => onBounded?.("slow_reader") });
  return async (request, exchange, sending) => {
    const response = await answer(request, exchange, sending);
    if (!(response instanceof LongAnswer) || request.method === "HEAD") return response;
    const sent = answers.send(response, sending.connectionFrom?.() ?? "");
    if (sent === undefined) onBounded?.("in_flight");
    return sent ?? busy();
  };
}

/** A server's error is one of its span; a client's is not. */
function endSpan(span: Span, status: number): void {
  span.set({ "http.response.status_code": status });
  span.end(status >= SERVER_ERROR_MIN ? { errorType: String(status) } : {});
}

/** The answer, or a refusal where the listener can't wait for it any more. */
function inTime(answer: Promise<Response>, { onCutOff }: Sending): Promise<Response> {
  if (onCutOff === undefined) return answer;
  return new Promise((resolve) => {
    const cancel = onCutOff(() => resolve(stopping()));
    answer.then((response) => {
      cancel();
      resolve(response);
    });
  });
}

type Answerer = (request: Request, exchange: Exchange, sending: Sending) => Promise<Response>;

/** The answer to anything, an application's bug included. */
function answering({ application = nothing, readiness, metrics, clock, log }: RequestHandlerParts): Answerer {
  const probes = new Map<string, Answering>([
    ...(readiness === undefined ? [] : probesOf(readiness, clock)),
    ...(metrics === undefined ? [] : [["/metrics", metrics] as const]),
  ]);
  return async (request, exchange, sending) => {
    try {
      const path = URL.parse(request.url)?.pathname;
      if (path === undefined) return addressless();
      const probe = probes.get(path);
      if (probe === undefined) {
        return sending.isCertified === false ? uncertified() : await application(request, exchange, sending);
      }
      exchange.endpoint = path;
      return request.method === "GET" || request.method === "HEAD" ? await probe(request) : notAllowed();
    } catch (error) {
      if (!request.signal.aborted) {
        log.error("request failed", { method: request.method, endpoint: exchange.endpoint, error });
      }
      return failed("internal_error", "Cannot answer: an internal error");
    }
  };
}

type Answering = (request: Request) => Response | Promise<Response>;
type CheckReadiness = NonNullable<RequestHandlerParts["readiness"]>;

function probesOf(readiness: CheckReadiness, clock: Clock): readonly (readonly [string, Answering])[] {
  const currentReadiness = keeping(readiness, clock);
  const readyz = async () => {
    const { isReady, text } = await currentReadiness();
    return plainText(isReady ? 200 : 503, text);
  };
  return [["/healthz", () => plainText(200, "OK")], ["/readyz", readyz]];
}

function nothing(): Response {
  return failed("not_found", "Cannot find this path");
}

function methodOf(method: string): HttpMethod {
  return HTTP_METHODS.find((one) => one === method) ?? "OTHER";
}

/** An answer for people, to be kept by nobody. */
export function plainText(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const all = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store", ...headers };
  return new Response(text, { status, headers: all });
}

function notAllowed(): Response {
  const refusal = failed("method_not_allowed", "Cannot use this method here: only GET and HEAD are allowed");
  refusal.headers.set("allow", "GET, HEAD");
  return refusal;
}

/** What a client says is its host goes into the address of its request, and need not make one. */
function addressless(): Response {
  return failed("invalid_parameters", "Cannot read the request: its host and its target make no address");
}

function uncertified(): Response {
  return failed("unauthorized", "Cannot answer: a client certificate of an authority that is trusted here is wanted");
}

function stopping(): Response {
  const refusal = failed("unavailable", "Cannot answer: the program is stopping");
  refusal.headers.set("connection", "close");
  refusal.headers.set("retry-after", "1");
  return refusal;
}

function busy(): Response {
  const refusal = failed("unavailable", "Cannot answer now: too many long answers are being read");
  refusal.headers.set("retry-after", "1");
  return refusal;
}

/** An error in the one shape of all errors. */
function failed(code: ApiErrorCode, message: string): Response {
  return Response.json({ code, message }, { status: STATUS_OF[code] });
}

/** The last answer of `check` while it is fresh; whoever asks while it runs waits for that one. */
function keeping(check: CheckReadiness, clock: Clock): () => Promise<Readiness> {
  let last: { readonly atMs: number; readonly answer: Promise<Readiness> } | undefined;
  return () => {
    const nowMs = clock.monotonic();
    if (last === undefined || nowMs - last.atMs >= READINESS_KEPT_MS) {
      last = { atMs: nowMs, answer: answerOf(check) };
    }
    return last.answer;
  };
}

async function answerOf(check: CheckReadiness): Promise<Readiness> {
  try {
    return await check();
  } catch (error) {
    return { isReady: false, text: `Not ready: ${withoutSecrets(messageOf(error))}` };
  }
}
