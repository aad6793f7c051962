/**
 * What sending telemetry costs: an export beside a page, a turn that is not sampled, what the broker passes on for
 * agents, a start and the memory of all signals. What traces cost, beside the stock OpenTelemetry SDK with its own
 * context: requests per second of processor time with tracing off and on, what it adds while it is off, and what a
 * process grows by while no receiver takes its spans. What is compared takes part in each round, and ratios are those
 * of single rounds, because the machine may be doing other things.
 *
 * usage: deno task bench telemetry [export | turns | relay | starts | requests | off | outage]
 */
import { measureParts } from "./metrics/parts.ts";
import type { Line } from "./metrics/report.ts";
import { exportLines } from "./telemetry/export.ts";
import { relayLines } from "./telemetry/relay.ts";
import { startLines } from "./telemetry/starts.ts";
import { turnLines } from "./telemetry/turns.ts";
import { offLines } from "./tracing/off.ts";
import { outageLines } from "./tracing/outage.ts";
import { requestLines } from "./tracing/requests.ts";

const PARTS: Readonly<Record<string, () => Promise<readonly Line[]>>> = {
  export: exportLines,
  turns: turnLines,
  relay: relayLines,
  starts: startLines,
  requests: requestLines,
  off: offLines,
  outage: outageLines,
};

if (import.meta.main) Deno.exit(await measureParts(PARTS, Deno.args[0]));
