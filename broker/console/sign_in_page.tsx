import type { Page } from "./layout.tsx";
import type { Asked } from "./parts.ts";
import { isPrivate } from "./transport.ts";

/** Of an attempt that failed: where it was to lead, and why not. */
export interface Attempt {
  readonly next: string;
  readonly refusal: string;
}

/** Asks for a key, where it would not travel unencrypted. */
export function signInPage({ request, url }: Asked, attempt?: Attempt): Page {
  const content = isPrivate(request, url)
    ? keyForm(attempt?.next ?? url.searchParams.get("next") ?? "", attempt?.refusal)
    : tlsWanted();
  return { title: "Sign in", content };
}

function keyForm(next: string, refusal: string | undefined) {
  return (
    <div class="narrow">
      <h1>Sign in</h1>
      {refusal === undefined ? "" : <p class="notice bad" role="alert">{refusal}</p>}
      <form method="post" action="/console/sign-in">
        <input type="hidden" name="next" value={next} />
        <label for="pak">Key</label>
        <input id="pak" name="pak" type="password" required autocomplete="current-password" spellcheck={false} />
        <p class="hint">
          The admin’s, a generator’s or an agent’s. You see what that key may see; the session ends after 12 hours, or
          after 2 in which nobody looks.
        </p>
        <button type="submit">Sign in</button>
      </form>
    </div>
  );
}

function tlsWanted() {
  return (
    <div class="narrow">
      <h1>TLS is needed</h1>
      <p class="notice held">
        This page came over plain HTTP from another machine. A key typed here would travel unencrypted, so none is asked
        for.
      </p>
      <p>
        Serve the broker over TLS (<code>broker.tls_cert_file</code>, or a proxy that sets{" "}
        <code>X-Forwarded-Proto</code>), or reach it on this machine, for example by <code>kubectl port-forward</code>.
      </p>
    </div>
  );
}
