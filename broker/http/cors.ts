const EXPOSED = "brokkr-unchanged, etag, link, retry-after, x-request-id";
const ACCEPTED = "authorization, content-type, idempotency-key, if-none-match, x-request-id";
const PREFLIGHT_SECONDS = "600";

/** Which origins' pages may use the API: those named, or all with `*`. */
export interface Cors {
  /** Lets the origin's page read the answer. */
  allow(request: Request, response: Response): void;
  /** The answer to a preflight of an allowed origin; undefined when it is none. */
  preflight(request: Request, methods: readonly string[]): Response | undefined;
}

/** Answers browsers as the origins say; without origins, browsers keep the API from other sites' pages. */
export function createCors(origins: readonly string[]): Cors {
  const isAllowed = (origin: string | null): origin is string =>
    origin !== null && (origins.includes(origin) || origins.includes("*"));
  return {
    allow({ headers }, response) {
      if (origins.length === 0) return;
      response.headers.append("vary", "origin");
      const origin = headers.get("origin");
      if (!isAllowed(origin)) return;
      response.headers.set("access-control-allow-origin", origin);
      response.headers.set("access-control-expose-headers", EXPOSED);
    },
    preflight({ method, headers }, methods) {
      const isPreflight = method === "OPTIONS" && headers.has("access-control-request-method");
      if (!isPreflight || !isAllowed(headers.get("origin"))) return undefined;
      return new Response(undefined, {
        status: 204,
        headers: {
          "access-control-allow-methods": methods.join(", "),
          "access-control-allow-headers": ACCEPTED,
          "access-control-max-age": PREFLIGHT_SECONDS,
        },
      });
    },
  };
}
