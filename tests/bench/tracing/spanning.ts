/**
 * Ends 500 spans a second, for a receiver that is not there; says a port, which nobody listens on, and ends with
 * standard input.
 *
 * usage: deno run -A tests/bench/tracing/spanning.ts
 */
import { systemClock } from "$lib/clock.ts";
import { random } from "$lib/ids.ts";
import { disabledRegistry } from "$lib/metrics.ts";
import { openTelemetry } from "$lib/telemetry/telemetry.ts";
import { silentLog } from "../../fakes/silent_log.ts";

const NOBODY = 9;
const EVERY_MS = 20;
const SPANS = 10;

async function main(): Promise<number> {
  const target = {
    ...{ url: new URL(`http://127.0.0.1:${NOBODY}/v1/traces`), headers: [], signalHeaders: [], headersFile: undefined },
    ...{ caFile: undefined, clientCertFile: undefined, clientKeyFile: undefined, compression: "gzip" } as const,
    ...{ maxBytes: 500_000, timeoutMs: 10_000 },
  };
  const telemetry = await openTelemetry({
    traces: { target, ratio: 1, followsParent: true, maxFollowedPerSecond: 10 },
    warnings: [],
  }, {
    ...{ fetch, clock: systemClock(), random, log: silentLog(), env: {}, userAgent: "bench" },
    onSecret: () => {},
    resource: () => ({ "service.name": "bench" }),
  });
  const { tracing } = telemetry.start(disabledRegistry());
  setInterval(() => {
    for (let n = 0; n < SPANS; n += 1) tracing.begin("GET /api/v1/stacks", { attributes: { "url.path": "/" } })?.end();
  }, EVERY_MS);
  console.log(NOBODY);
  await Deno.stdin.readable.pipeTo(new WritableStream());
  return 0;
}

if (import.meta.main) Deno.exit(await main());
