import { systemClock } from "$lib/clock.ts";
import { disabledTracing } from "$lib/tracing.ts";
import { beginRequest } from "../../../broker/http/request_span.ts";
import { StatementSpans } from "../../../lib/database/statement_spans.ts";
import { median } from "../metrics/compare.ts";
import type { Line } from "../metrics/report.ts";

const ROUNDS = 31;
const CALLS = 200_000;
const MAX_NS = 100;

/**
 * What tracing that is off adds to a request with one statement: a look at whether it is on, and one for a current
 * span.
 */
export async function offLines(): Promise<readonly Line[]> {
  const parts = { tracing: disabledTracing(), clock: systemClock() };
  const known = {
    request: new Request("http://broker/api/v1/stacks"),
    endpoint: { isTraced: true },
    exchange: { endpoint: "/api/v1/stacks", startMs: 0 },
    caller: { role: "admin", id: "a" } as const,
  };
  const spans = new StatementSpans(parts);
  const piece = Object.assign(["select 1"], { raw: ["select 1"] });
  const done = Promise.resolve();
  const run = () => done;
  let begun = 0;
  const rounds = Array.from({ length: ROUNDS }, () => {
    const startMs = performance.now();
    for (let call = 0; call < CALLS; call += 1) {
      if (beginRequest(known, parts) !== undefined) begun += 1;
      if (spans.ofStatement(piece, [], run) !== done) begun += 1;
    }
    return (performance.now() - startMs) * 1e6 / CALLS;
  });
  await done;
  if (begun > 0) throw new Error("Tracing that is off was to begin nothing");
  const of = median(rounds);
  return [{
    ...{ what: "what tracing adds to a request that is off", who: OFF, figure: `${of.toFixed(1)} ns` },
    limit: { is: "≤", value: MAX_NS, of },
  }];
}

const OFF = "off";
