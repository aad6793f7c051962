import type { Child } from "hono/jsx";
import { awayIn, awayText } from "$lib/away.ts";
import { type ApiErrorCode, type Failure, STATUS_OF } from "$lib/error.ts";
import { ICON_PATH, SCRIPT_PATH, STYLE_PATH } from "./assets.ts";
import type { Visit } from "./parts.ts";
import { CSRF_FIELD } from "./sessions.ts";

/** A page of the console. */
export interface Page {
  readonly title: string;
  /** Whoever is signed in; absent where nobody need be. */
  readonly visit?: Visit;
  /** Whether it shows what changes, and reads itself again. */
  readonly isLive?: boolean;
  readonly content: Child;
}

/** Writes a page. */
export function htmlOf(page: Page, status = 200): Response {
  const { title, visit, isLive = false, content } = page;
  const html = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{title} · Brokkr</title>
        <link rel="stylesheet" href={STYLE_PATH} />
        <link rel="icon" href={ICON_PATH} />
        {isLive ? <script src={SCRIPT_PATH} defer></script> : ""}
      </head>
      <body>
        <a class="skip" href="#main">To the content</a>
        <header>
          <a class="brand" href="/console">Brokkr</a>
          {visit === undefined ? "" : navigation(visit)}
        </header>
        <main id="main" tabindex={-1} data-live={isLive ? "" : undefined}>{content}</main>
      </body>
    </html>
  );
  return new Response(`<!doctype html>${html}`, { status, headers: { "content-type": "text/html; charset=utf-8" } });
}

function navigation(visit: Visit) {
  return (
    <nav aria-label="Console">
      <a href="/console">Fleet</a>
      <a href="/docs">API</a>
      {form(visit, { action: "/console/sign-out", content: <button type="submit">Sign out</button> })}
    </nav>
  );
}

/** A form that changes something: it proves that a page of this session sent it. */
export function form({ csrfSecret }: Visit, { action, content }: { readonly action: string; readonly content: Child }) {
  return (
    <form method="post" action={action}>
      <input type="hidden" name={CSRF_FIELD} value={csrfSecret} />
      {content}
    </form>
  );
}

/** What went wrong, as a page. */
export function failurePage({ code, message, details }: Failure): Response {
  const status = STATUS_OF[code as ApiErrorCode];
  const away = awayIn(details);
  return htmlOf({
    title: `${status}`,
    content: (
      <>
        <h1>{status === 404 ? "Not found" : status === 403 ? "Not allowed" : "That did not work"}</h1>
        <p>{away === undefined ? message : `${message}: ${awayText(away)}`}</p>
        <p>
          <a href="/console">To the fleet</a>
        </p>
      </>
    ),
  }, status);
}
