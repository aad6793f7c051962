/**
 * One server of the benches, a process of its own: says its port on standard output, and ends with standard input. It
 * is the broker's API without a database, which answers `POST /api/v1/auth/pak` from memory, or as little as can be.
 *
 * usage: deno run -A tests/bench/tracing/server.ts <name> (<hash of the admin's key> | hello)
 */
import { systemClock } from "$lib/clock.ts";
import { random } from "$lib/ids.ts";
import { listen } from "$lib/serve/listener.ts";
import { type Application, createRequestHandler } from "$lib/serve.ts";
import { createTracing } from "$lib/telemetry/tracing.ts";
import { disabledTracing, type Tracing } from "$lib/tracing.ts";
import { createApp } from "../../../broker/http/app.ts";
import { Authenticator } from "../../../broker/http/auth.ts";
import { beginRequest } from "../../../broker/http/request_span.ts";
import { clientAddressBehind } from "../../../broker/http/client_address.ts";
import { KeyCache } from "../../../broker/http/key_cache.ts";
import type { Store } from "../../../broker/store/mod.ts";
import { partsOfApp } from "../../fakes/api_world.ts";
import { silentLog } from "../../fakes/silent_log.ts";
import { tracedBySdk } from "./sdk.ts";

const hostname = "127.0.0.1";
const clock = systemClock();
const log = silentLog();
const HELLO_BODY = "Hello, world\n";

/** Where spans go: nowhere, after they have been written as protobuf. */
function tracingOf(ratio: number): Tracing {
  const accepted = { kind: "accepted", body: new Uint8Array() } as const;
  return createTracing({
    ...{ ratio, followsParent: true, maxFollowedPerSecond: 10, clock, random },
    resource: () => ({ "service.name": "brokkr-broker" }),
    sender: { send: () => Promise.resolve(accepted) },
    maxBytes: 500_000,
    outcomes: { ended: () => {}, queueFull: () => {} },
  });
}

function applicationOf(pakHash: string, tracing: Tracing): Application {
  const keys = new KeyCache({ clock, ttlMs: Infinity });
  keys.heard(Infinity);
  const admin = { caller: { role: "admin", id: "00000000-0000-4000-8000-000000000000" }, pakHash, isActive: true };
  const store = { keys: { find: () => Promise.resolve(admin) } } as unknown as Store;
  const authenticator = new Authenticator({ clock, keys, clientAddress: clientAddressBehind([]) });
  return createApp({ ...partsOfApp(store), authenticator, tracing, clock, log });
}

/** Takes everybody for one caller, and has the gate before an answer that costs next to nothing. */
function hello(tracing: Tracing): Application {
  const [endpoint, caller] = [{ isTraced: true }, { role: "admin", id: "a" } as const];
  return (request, exchange) => {
    exchange.endpoint = "/";
    const span = exchange.span = beginRequest({ request, endpoint, exchange, caller }, { tracing, clock });
    const answer = () => new Response(HELLO_BODY);
    return span === undefined ? answer() : tracing.within(span, answer);
  };
}

function start(name: string, what: string): Application {
  const ratio = Number(/ratio ([\d.]+)$/.exec(name)?.[1] ?? 0);
  const application = (tracing: Tracing) => what === "hello" ? hello(tracing) : applicationOf(what, tracing);
  if (name.startsWith("SDK")) return tracedBySdk(application(disabledTracing()), ratio);
  return application(name.startsWith("ratio") ? tracingOf(ratio) : disabledTracing());
}

async function main([name = "", what = ""]: readonly string[]): Promise<number> {
  const handler = createRequestHandler({ application: start(name, what), clock, log });
  console.log((await listen(handler, { hostname, port: 0, clock, log })).port);
  await Deno.stdin.readable.pipeTo(new WritableStream());
  return 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
