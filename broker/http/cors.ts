import type { Context, MiddlewareHandler } from "hono";
import { cors } from "hono/cors";

const EXPOSED = ["brokkr-unchanged", "etag", "link", "retry-after", "x-request-id"];
const ACCEPTED = ["authorization", "content-type", "idempotency-key", "if-none-match", "x-request-id"];
const PREFLIGHT_SECONDS = 600;

/**
 * Answers browsers as the origins say: those named, or all with `*`; without any, browsers keep the API from other
 * sites' pages.
 *
 * @param methodsOf The methods of the path that was asked for; none where it is no path of the API.
 */
export function corsFor(
  origins: readonly string[],
  methodsOf: (context: Context) => readonly string[],
): MiddlewareHandler {
  const isAllowed = (origin: string | undefined) =>
    origin !== undefined && (origins.includes(origin) || origins.includes("*"));
  const allow = cors({
    origin: (origin) => isAllowed(origin) ? origin : undefined,
    allowMethods: (_, context) => [...methodsOf(context)],
    allowHeaders: ACCEPTED,
    exposeHeaders: EXPOSED,
    maxAge: PREFLIGHT_SECONDS,
  });
  // Every other OPTIONS is a wrong method, and answered as one.
  const isPreflight = (context: Context) =>
    context.req.header("access-control-request-method") !== undefined && isAllowed(context.req.header("origin")) &&
    methodsOf(context).length > 0;
  return async (context, next) => {
    if (context.req.method === "OPTIONS" && !isPreflight(context)) return await next();
    return await allow(context, next);
  };
}
