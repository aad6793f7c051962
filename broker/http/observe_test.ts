import assert from "node:assert/strict";
import { createRegistry } from "$lib/metrics.ts";
import type { AnsweredRequest } from "$lib/serve.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import { HTTP_METRICS } from "../metrics.ts";
import { observeRequests } from "./observe.ts";

Deno.test("observeRequests() counts every request by its template, and times those that were not held", async () => {
  const registry = createRegistry({ clock: new ManualClock(), log: silentLog() });
  const observe = observeRequests(registry.register(HTTP_METRICS));
  const request: AnsweredRequest = {
    ...{ method: "GET", endpoint: "/api/v1/stacks/:id", status: "200", seconds: 0.5, isHeld: false },
  };

  observe(request);
  observe({ ...request, status: "499", isHeld: true, seconds: 30 });

  const page = await registry.page?.("text") ?? "";
  const labels = 'method="GET",endpoint="/api/v1/stacks/:id"';
  assert.deepEqual(page.split("\n").filter((line) => /^brokkr_http/.test(line) && !line.includes("_bucket")), [
    `brokkr_http_requests_total{${labels},status="200"} 1`,
    `brokkr_http_requests_total{${labels},status="499"} 1`,
    `brokkr_http_request_duration_seconds_sum{${labels}} 0.5`,
    `brokkr_http_request_duration_seconds_count{${labels}} 1`,
  ]);
});
