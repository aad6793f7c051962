import type { Context } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { Failure } from "$lib/error.ts";
import { newSecret, sha256HexSync } from "$lib/ids.ts";
import type { Caller } from "../domain/caller.ts";
import { isSameHash, pakHash } from "../domain/pak.ts";
import { admitted } from "../http/admission.ts";
import { KeyRefused } from "../http/auth.ts";
import { codingOf, readBytes } from "../http/body.ts";
import type { Asked, Visit } from "./parts.ts";
import { isFromHere, isPrivate } from "./transport.ts";

const COOKIE = "brokkr_console";
const TOKEN = /^[\w-]{43}$/;
const HOURS_12 = 43_200;
const FORM_MAX_BYTES = 16_384;
const EVERYBODY = ["admin", "agent", "generator"] as const;
/** The script that refreshes a page says so: that is no use of the session. */
const REFRESH = "brokkr-refresh";

/** The field of every form that holds {@linkcode Visit.csrfSecret}. */
export const CSRF_FIELD = "csrf";

/**
 * Signs in with a key: it counts as any other attempt, and is as bounded.
 *
 * @throws {KeyRefused} For a key that is none.
 */
export async function signIn(context: Context, asked: Asked, pak: string): Promise<void> {
  const { request, url, store, connectionFrom, parts: { authenticator, attempts } } = asked;
  if (!isPrivate(request, url)) throw new Failure("forbidden", "Cannot sign in: the key would travel unencrypted");
  const withKey = new Request(url, { headers: keyHeaders(request, pak), signal: request.signal });
  const caller = await admitted(withKey, { roles: EVERYBODY }, { authenticator, attempts, store, connectionFrom });
  const token = newSecret();
  await store.consoleSessions.add({
    tokenHash: sha256HexSync(token),
    owner: caller,
    pakHash: pakHash(pak) ?? "",
    csrfSecret: newSecret(),
  });
  setCookie(context, COOKIE, token, {
    ...{ prefix: "host", path: "/", httpOnly: true, secure: true, sameSite: "Lax", maxAge: HOURS_12 },
  });
}

/** What is no character of a key makes it none; a header could not hold it. */
function keyHeaders({ headers }: Request, pak: string): Headers {
  const from = headers.get("x-forwarded-for");
  const authorization = pak.replaceAll(/[^\x21-\x7e]/g, "?");
  return new Headers({ authorization, ...(from === null ? {} : { "x-forwarded-for": from }) });
}

/** Ends the session of whoever asks. */
export async function signOut(context: Context, { store }: Asked): Promise<void> {
  const token = tokenOf(context);
  if (token !== undefined) await store.consoleSessions.remove(sha256HexSync(token));
  deleteCookie(context, COOKIE, { prefix: "host", path: "/", secure: true });
}

/**
 * Who asks, and, of a POST, what their form says.
 *
 * @throws {KeyRefused} Where they are not signed in.
 * @throws {Failure} `forbidden` for a form that no page of this session sent.
 */
export async function visitOf(context: Context, asked: Asked): Promise<Visit> {
  const { request, store, connectionFrom, parts: { authenticator } } = asked;
  const token = tokenOf(context);
  if (token === undefined) throw new KeyRefused("missing", "Cannot show this: nobody is signed in");
  let csrfSecret = "";
  const caller: Caller = await authenticator.recognise({ request, store, connectionFrom }, async () => {
    const isUsed = !request.headers.has(REFRESH);
    const session = await store.consoleSessions.find(sha256HexSync(token), { isUsed });
    csrfSecret = session?.csrfSecret ?? "";
    return session?.pakHash;
  });
  const form = request.method === "POST" ? await formOf(asked) : new URLSearchParams();
  if (request.method === "POST" && !isSameHash(form.get(CSRF_FIELD) ?? "", csrfSecret)) {
    throw new Failure("forbidden", "Cannot take the form: it is not of this session; open its page anew");
  }
  return { ...asked, caller, csrfSecret, form };
}

/**
 * The fields of a form that a page of this console sent.
 *
 * @throws {Failure} `forbidden` for one from elsewhere, `too_large`, `unsupported_encoding`.
 */
export async function formOf({ request, url, parts: { bounds } }: Asked): Promise<URLSearchParams> {
  if (!isFromHere(request, url)) throw new Failure("forbidden", "Cannot take the form: another site sent it");
  codingOf(request, []);
  const bytes = await readBytes(request, { ...bounds, maxBytes: FORM_MAX_BYTES, isFixed: true });
  return new URLSearchParams(new TextDecoder().decode(bytes));
}

function tokenOf(context: Context): string | undefined {
  const token = getCookie(context, COOKIE, "host") ?? "";
  return TOKEN.test(token) ? token : undefined;
}
