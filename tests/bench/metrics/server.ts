/**
 * One server of the benches, a process of its own: says its port on standard output, and ends with standard input.
 *
 * usage: deno run -A tests/bench/metrics/server.ts <name> [lines of the page]
 */
import { systemClock } from "$lib/clock.ts";
import { metricsHandler } from "$lib/exposition.ts";
import { disabledRegistry } from "$lib/metrics.ts";
import { listen } from "$lib/serve/listener.ts";
import { createRequestHandler, type RequestHandlerParts } from "$lib/serve.ts";
import { silentLog } from "../../fakes/silent_log.ts";
import { CONTENDER_NAMES } from "./contenders.ts";
import { LINES_PER_SET } from "./labels.ts";
import { filled, move } from "./page.ts";

const hostname = "127.0.0.1";
const clock = systemClock();
const log = silentLog();

/** The server whose metrics move while nobody asks it anything: a page is made anew in every part of it. */
export const ALL_MOVING = "bound instruments, every series moving";
const MOVE_EVERY_MS = 500;

/** Deno's own server, without any host around it. */
function listenBare(): number {
  return Deno.serve({ hostname, port: 0, onListen: () => {} }, () => hello()).addr.port;
}

/** The host that both programs have, observed as the broker's is when metrics are on. */
async function listenWith(observed: Pick<RequestHandlerParts, "metrics" | "onAnswered">): Promise<number> {
  const host = createRequestHandler({
    application(_request, exchange) {
      exchange.endpoint = "/";
      return hello();
    },
    readiness: () => Promise.resolve({ isReady: true, text: "Ready" }),
    ...{ ...observed, clock, log },
  });
  return (await listen(host, { hostname, port: 0, clock, log })).port;
}

function hello(): Response {
  return new Response("Hello, world\n");
}

async function start(name: string, lines: number): Promise<number> {
  if (name === "bare") return listenBare();
  if (name === "metrics off") return await listenWith({ metrics: metricsHandler(disabledRegistry(), log) });
  const contenderName = name === ALL_MOVING ? "bound instruments" : CONTENDER_NAMES.find((one) => one === name);
  if (contenderName === undefined) throw new Error(`There is no server "${name}"`);
  const contender = filled(contenderName, lines / LINES_PER_SET);
  if (name === ALL_MOVING) setInterval(() => move(contender, 1), MOVE_EVERY_MS);
  return await listenWith({ metrics: metricsHandler(contender, log), onAnswered: contender.answered });
}

async function main([name = "", lines]: readonly string[]): Promise<number> {
  console.log(await start(name, Number(lines ?? LINES_PER_SET)));
  await Deno.stdin.readable.pipeTo(new WritableStream());
  return 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
