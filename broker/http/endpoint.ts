import type { z } from "zod";
import { type ApiErrorCode, Failure } from "$lib/error.ts";
import type { Span } from "$lib/tracing.ts";
import type { ParseBundle } from "../domain/bundle_verdict.ts";
import type { ConnectivityLimits } from "../domain/agent.ts";
import type { Caller, Role } from "../domain/caller.ts";
import type { Page, Store } from "../store/mod.ts";
import { type BodyBounds, type BodyDeclaration, readBody, readBytes } from "./body.ts";
import type { HeldRequests } from "./held_requests.ts";
import { type Fault, faultsOf, faultyInput } from "./problem.ts";
import { type Answer, answerWith } from "./reply.ts";
import type { ObjectCache } from "./object_cache.ts";
import type { SendLong } from "./object_list.ts";
import type { SnapshotCache } from "./snapshot_cache.ts";
import type { TelemetryRelay } from "./telemetry_relay.ts";

/** What an endpoint may be asked with; `HEAD` works wherever `get` does. */
const METHODS = ["get", "post", "put", "patch", "delete"] as const;
/** One of {@linkcode METHODS}. */
export type Method = (typeof METHODS)[number];

type Shapes = Readonly<Partial<Record<200 | 201 | 204, z.ZodType>>>;

/** What a handler gives back: a body; a page where the answer is a list; nothing for 204; or a whole `Response`. */
type Result<Answers extends Shapes> = ResultOf<Answers[keyof Answers]> | Response;
type ResultOf<Shape> = Shape extends z.ZodArray<infer Item> ? Page<z.input<Item>>
  : Shape extends z.ZodVoid ? z.input<Shape> | undefined
  : Shape extends z.ZodType ? z.input<Shape>
  : never;

type Parsed<Shape> = Shape extends z.ZodType ? z.output<Shape> : undefined;

interface Input<Params, Query, Body> {
  readonly params: Parsed<Params>;
  readonly query: Parsed<Query>;
  readonly body: Parsed<Body>;
  readonly caller: Caller;
  readonly request: Request;
  readonly parseBundle: ParseBundle;
  readonly held: HeldRequests;
  readonly snapshotCache: SnapshotCache;
  readonly objectCache: ObjectCache;
  readonly sendLong: SendLong;
  readonly limits: ConnectivityLimits;
  readonly span: Span | undefined;
  readonly relay: TelemetryRelay;
  /** Reads the body as it is, of `maxBytes` at most: for who looks at other things first. */
  readBytes(maxBytes: number): Promise<Uint8Array<ArrayBuffer>>;
}

interface EndpointDeclaration<
  Params extends z.ZodObject | undefined,
  Query extends z.ZodObject | undefined,
  Body extends z.ZodType | undefined,
  Answers extends Shapes,
> {
  readonly method: Method;
  /** As in OpenAPI: `/api/v1/stacks/{id}`. */
  readonly path: `/api/v1/${string}`;
  /** Whose keys may call. */
  readonly roles: readonly [Role, ...Role[]];
  /** The code that other roles get, where it is not the one of `mayCall`. */
  readonly refusal?: ApiErrorCode;
  /** Whether a request waits for something to happen, and its time is not work. */
  readonly isHeld?: boolean;
  /**
   * Whether requests may be sampled, as they are when left out: not where agents ask, all day, and nothing has changed.
   */
  readonly isTraced?: boolean;
  readonly summary: string;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body extends z.ZodType ? BodyDeclaration<Body> : undefined;
  /** The media type of a body that is not read before the handler does, with `readBytes`. */
  readonly binary?: string;
  readonly answers: Answers;
  handle(input: Input<Params, Query, Body>, store: Store): Promise<Result<Answers>>;
}

/** One request on its way to its endpoint. */
export interface Call {
  readonly request: Request;
  /** The path's parameters, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly caller: Caller;
  readonly bounds: BodyBounds;
  readonly parseBundle: ParseBundle;
  readonly held: HeldRequests;
  readonly snapshotCache: SnapshotCache;
  readonly objectCache: ObjectCache;
  readonly sendLong: SendLong;
  readonly limits: ConnectivityLimits;
  /** The request's own, where it is sampled. */
  readonly span: Span | undefined;
  readonly relay: TelemetryRelay;
}

/** One path and method of the API: its shapes make the validation, the types and the OpenAPI page. */
export interface Endpoint {
  readonly method: Method;
  readonly path: `/api/v1/${string}`;
  readonly roles: readonly Role[];
  readonly refusal?: ApiErrorCode;
  readonly isHeld: boolean;
  readonly isTraced: boolean;
  readonly summary: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: BodyDeclaration<z.ZodType>;
  readonly binary?: string;
  readonly answers: Shapes;
  /**
   * Checks what was sent and answers it.
   *
   * @throws {Failure} `invalid_parameters`, `invalid_request_body`, `precondition_failed`, `too_large`,
   * `unsupported_encoding`, and what the handler throws.
   */
  respond(call: Call, store: Store): Promise<Response>;
}

/** Makes an endpoint of its declaration; one without `roles` does not compile. */
export function endpoint<
  Params extends z.ZodObject | undefined = undefined,
  Query extends z.ZodObject | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
  const Answers extends Shapes = Shapes,
>(declaration: EndpointDeclaration<Params, Query, Body, Answers>): Endpoint {
  const {
    method,
    path,
    roles,
    refusal,
    isHeld = false,
    isTraced = true,
    summary,
    params,
    query,
    body,
    binary,
    answers,
    handle,
  } = declaration;
  const isSingle = method === "get" && answers[200]?.type !== "array";
  const status = answers[201] === undefined ? 200 : 201;
  return {
    ...{ method, path, roles, refusal, isHeld, isTraced, summary, params, query, body, binary, answers },
    async respond({ request, params: path, bounds, ...given }, store) {
      if (method !== "get") mustBeUnconditional(request);
      const input = {
        params: params && parsed(params, path),
        query: query && parsed(query, givenOnce(query, new URL(request.url).searchParams)),
        body: body === undefined ? undefined : await readBody(request, body, bounds),
        request,
        ...given,
        readBytes: (maxBytes: number) =>
          readBytes(request, maxBytes < bounds.maxBytes ? { ...bounds, maxBytes, isFixed: true } : bounds),
      };
      const result = await handle(input as Input<Params, Query, Body>, store);
      return await answerWith(result as Answer, { request, status, isSingle });
    },
  };
}

const CONDITIONS = ["if-match", "if-none-match", "if-unmodified-since"];

/** Who asks for a change under a condition must not get one without: nothing here is compared before it is written. */
function mustBeUnconditional({ headers }: Request): void {
  const condition = CONDITIONS.find((name) => headers.has(name));
  if (condition === undefined) return;
  throw new Failure("precondition_failed", `Cannot change anything under a condition: ${condition} is not known here`);
}

/** Of one that is given twice nobody could say which was meant; what the endpoint does not know is ignored. */
function givenOnce({ shape }: z.ZodObject, given: URLSearchParams): Readonly<Record<string, string>> {
  const faults = Object.keys(shape).filter((name) => given.getAll(name).length > 1)
    .map((path) => ({ path, message: "must not be given twice" }));
  if (faults.length > 0) throw invalid(faults);
  return Object.fromEntries(given);
}

function parsed(shape: z.ZodObject, given: Readonly<Record<string, string>>): unknown {
  const nul = Object.entries(given).find(([, value]) => value.includes("\0"));
  if (nul !== undefined) throw invalid([{ path: nul[0], message: "must not contain NUL characters" }]);
  const checked = shape.safeParse(given);
  if (!checked.success) throw invalid(faultsOf(checked.error));
  return checked.data;
}

function invalid(faults: readonly Fault[]): Failure {
  return faultyInput("invalid_parameters", "Cannot read the request: its address has faults", faults);
}
