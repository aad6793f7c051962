import { type Context, Hono } from "hono";
import { type ApiErrorCode, Failure, isFailure, messageOf, quoted, STATUS_OF } from "$lib/error.ts";
import { withoutSecrets } from "$lib/log.ts";
import type { Application, Exchange } from "$lib/serve.ts";
import { BoundExceeded } from "../domain/bounds.ts";
import { KeyRefused } from "../http/auth.ts";
import { agentPage, approve } from "./agent_page.tsx";
import { findAsset } from "./assets.ts";
import { deliveryPage } from "./delivery_page.tsx";
import { diffPage } from "./diff_page.tsx";
import { fleetPage } from "./fleet_page.tsx";
import { failurePage, htmlOf } from "./layout.tsx";
import type { Asked, ConsoleParts, Visit } from "./parts.ts";
import { formOf, signIn, signOut, visitOf } from "./sessions.ts";
import { signInPage } from "./sign_in_page.tsx";
import { rollBack, rollbackPage, stackPage } from "./stack_page.tsx";

interface Bindings {
  readonly request: Request;
  readonly exchange: Exchange;
  readonly connectionFrom: () => string;
}
type Env = { readonly Bindings: Bindings };
type Answering = (asked: Asked, context: Context<Env>) => Promise<Response>;

/** A path of the console: what is answered to a GET, and to a POST where there is one. */
interface Route {
  readonly path: string;
  readonly get?: Answering;
  readonly post?: Answering;
}

const ROOT = "/console";
const SIGN_IN = `${ROOT}/sign-in`;

const ROUTES: readonly Route[] = [
  { path: `${ROOT}/assets/:name`, get: ({ params }) => Promise.resolve(findAsset(params.name ?? "")) },
  { path: SIGN_IN, get: (asked) => Promise.resolve(htmlOf(signInPage(asked))), post: startSession },
  { path: `${ROOT}/sign-out`, post: visited(endSession) },
  { path: ROOT, get: visited(fleetPage) },
  { path: `${ROOT}/agents/:id`, get: visited(agentPage) },
  { path: `${ROOT}/agents/:id/approve`, post: visited(approve) },
  { path: `${ROOT}/stacks/:id`, get: visited(stackPage) },
  { path: `${ROOT}/stacks/:id/diff`, get: visited(diffPage) },
  { path: `${ROOT}/stacks/:id/rollback`, get: visited(rollbackPage), post: visited(rollBack) },
  { path: `${ROOT}/deliveries/:agent_id/:stack_id`, get: visited(deliveryPage) },
];

/** Nothing runs, is drawn or is sent but from and to this server; nobody shows a page inside another. */
const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "cache-control": "no-store",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "same-origin",
  "x-content-type-options": "nosniff",
};

/** The page for people: every path below `/console`. */
export function createConsole(parts: ConsoleParts): Application {
  const routes = new Hono<Env>();
  for (const route of ROUTES) routes.all(route.path, (context) => answer(route, context, parts));
  routes.notFound(nowhere);
  routes.onError((error, context) => refusal(error, context, parts));
  return async (request, exchange, { connectionFrom = () => "" } = {}) => {
    const response = await routes.fetch(request, { request, exchange, connectionFrom });
    for (const [name, value] of Object.entries(HEADERS)) {
      if (!response.headers.has(name)) response.headers.set(name, value);
    }
    return response;
  };
}

/** A path with a slash too many, as people and proxies write it, is that page's. */
function nowhere(context: Context<Env>): Response {
  const { req } = context;
  const [path = ""] = /^.*[^/]/.exec(req.path) ?? [];
  if (path !== req.path && req.method === "GET") return context.redirect(path + new URL(req.url).search, 308);
  return failurePage(new Failure("not_found", `Cannot find ${quoted(req.path)}: no such page`));
}

async function answer(route: Route, context: Context<Env>, parts: ConsoleParts): Promise<Response> {
  const { request, exchange, connectionFrom } = context.env;
  exchange.endpoint = route.path;
  const answering = request.method === "GET" ? route.get : request.method === "POST" ? route.post : undefined;
  if (answering === undefined) return notAllowed(route, request.method);
  const params = context.req.param();
  const store = parts.store();
  return await answering({ request, url: new URL(request.url), params, parts, store, connectionFrom }, context);
}

function notAllowed({ get, post }: Route, method: string): Response {
  const allow = [...(get === undefined ? [] : ["GET", "HEAD"]), ...(post === undefined ? [] : ["POST"])].join(", ");
  const page = failurePage(new Failure("method_not_allowed", `Cannot use ${quoted(method)} here: only ${allow}`));
  page.headers.set("allow", allow);
  return page;
}

/** Of whoever is signed in; anybody else is asked to, and comes back here. */
function visited(show: (visit: Visit, context: Context<Env>) => Promise<Response>): Answering {
  return async (asked, context) => {
    const visit = await visitOf(context, asked);
    using _place = asked.parts.inFlight.enter(visit.caller);
    return await show(visit, context);
  };
}

async function startSession(asked: Asked, context: Context<Env>): Promise<Response> {
  const form = await formOf(asked);
  const next = form.get("next") ?? "";
  try {
    await signIn(context, asked, (form.get("pak") ?? "").trim());
  } catch (error) {
    if (!(error instanceof KeyRefused)) throw error;
    return htmlOf(signInPage(asked, { next, refusal: error.message }), STATUS_OF.unauthorized);
  }
  return context.redirect(isOwnPath(next) ? next : ROOT, 303);
}

async function endSession(visit: Visit, context: Context<Env>): Promise<Response> {
  await signOut(context, visit);
  return context.redirect(SIGN_IN, 303);
}

/** Of a page that nobody may see without a key: where to bring one. Of anything else that is wrong: what it is. */
function refusal(error: Error, context: Context<Env>, { bounded, log }: ConsoleParts): Response {
  const { request } = context.env;
  if (error instanceof KeyRefused) return toSignIn(context);
  if (error instanceof BoundExceeded) bounded?.add(1, { bound: error.bound });
  if (isFailure(error) && Object.hasOwn(STATUS_OF, error.code) && error.code !== "internal_error") {
    const { code, details } = error;
    return failurePage(new Failure(code, withoutSecrets(messageOf(error)), details === undefined ? {} : { details }));
  }
  log.error("request failed", { method: request.method, endpoint: context.env.exchange.endpoint, error });
  const code: ApiErrorCode = "internal_error";
  return failurePage(new Failure(code, "Cannot show this: an unexpected error; it is in the broker's log"));
}

function toSignIn(context: Context<Env>): Response {
  const { request } = context.env;
  const { pathname, search } = new URL(request.url);
  const next = request.method === "GET" && pathname !== ROOT
    ? `?${new URLSearchParams({ next: pathname + search })}`
    : "";
  return context.redirect(`${SIGN_IN}${next}`, 303);
}

/** A path of the console, and no other site's: nobody is sent away after they have signed in. */
function isOwnPath(path: string): boolean {
  return /^\/console(?=$|[/?])[\w/?=&%.:+*~,;@$!()'-]*$/.test(path);
}
