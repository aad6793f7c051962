import assert from "node:assert/strict";
import type { Exchange } from "$lib/serve.ts";
import { createConsole } from "../../broker/console/console.ts";
import type { ConsoleParts } from "../../broker/console/parts.ts";
import { Authenticator } from "../../broker/http/auth.ts";
import { clientAddressBehind } from "../../broker/http/client_address.ts";
import { KeyCache } from "../../broker/http/key_cache.ts";
import type { Store } from "../../broker/store/mod.ts";
import { partsOfApp } from "./api_world.ts";
import { ManualClock } from "./manual_clock.ts";

/** What a page answered. */
export interface PageAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The template that the request is counted under. */
  readonly endpoint: string;
}

/** What of a request is out of the ordinary. */
export interface Oddities {
  readonly headers?: Readonly<Record<string, string>>;
  /** In place of the client's own. */
  readonly cookie?: string;
  /** In place of the token of the client's session. */
  readonly csrf?: string;
  /** Where the console is. */
  readonly origin?: string;
  readonly method?: string;
}

/** A browser without a screen: it keeps a cookie, and sends the token of the last form that it saw. */
export interface ConsoleClient {
  get(path: string, oddities?: Oddities): Promise<PageAnswer>;
  post(path: string, fields: Readonly<Record<string, string>>, oddities?: Oddities): Promise<PageAnswer>;
  /** Signs in, and reads the token of the fleet's page. */
  signIn(pak: string): Promise<void>;
  readonly cookie: string | undefined;
}

const ORIGIN = "http://localhost";

/** What the console is made of over a store: nothing is kept or counted. */
function partsOfConsole(store: Store, options: Partial<ConsoleParts> = {}): ConsoleParts {
  const clock = new ManualClock({ skipsSleeps: true });
  const authenticator = new Authenticator({
    ...{ clock, keys: new KeyCache({ clock, ttlMs: 0 }) },
    clientAddress: clientAddressBehind([]),
  });
  return { ...partsOfApp(store), authenticator, groupBy: undefined, traceUrl: undefined, ...options };
}

/** A client of a console of its own. */
export function consoleOver(store: Store, options: Partial<ConsoleParts> = {}): ConsoleClient {
  const application = createConsole(partsOfConsole(store, options));
  let [cookie, csrf] = [undefined as string | undefined, ""];

  async function send(path: string, init: RequestInit, oddities: Oddities): Promise<PageAnswer> {
    const exchange: Exchange = { endpoint: "unmatched", isHeld: false, startMs: 0 };
    const sent = oddities.cookie ?? cookie;
    const { origin = ORIGIN, method } = oddities;
    const request = new Request(`${origin}${path}`, {
      ...{ ...init, ...(method === undefined ? {} : { method }) },
      headers: { ...init.headers, ...(sent === undefined ? {} : { cookie: sent }), ...oddities.headers },
    });
    const answer = await application(request, exchange);
    const [set] = (answer.headers.get("set-cookie") ?? "").split(";");
    if (set) cookie = set;
    const text = await answer.text();
    csrf = /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? csrf;
    return { status: answer.status, headers: answer.headers, text, endpoint: exchange.endpoint };
  }

  const client: ConsoleClient = {
    get cookie() {
      return cookie;
    },
    get: (path, oddities = {}) => send(path, {}, oddities),
    post: (path, fields, oddities = {}) => {
      const body = new URLSearchParams({ csrf: oddities.csrf ?? csrf, ...fields });
      return send(path, { method: "POST", body, headers: { origin: oddities.origin ?? ORIGIN } }, oddities);
    },
    async signIn(pak) {
      const { status } = await client.post("/console/sign-in", { pak });
      assert.equal(status, 303);
      assert.equal((await client.get("/console")).status, 200);
    },
  };
  return client;
}
