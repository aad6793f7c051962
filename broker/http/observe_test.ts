import assert from "node:assert/strict";
import { createRegistry } from "$lib/metrics.ts";
import type { AnsweredRequest } from "$lib/serve.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import { HTTP_METRICS } from "../metrics.ts";
import { observeRequests } from "./observe.ts";

Deno.test("observeRequests() counts every request by its template, and times those that are not held", async () => {
  const registry = createRegistry({ clock: new ManualClock(), log: silentLog() });
  const observe = observeRequests(registry.register(HTTP_METRICS), []);
  const request: AnsweredRequest = {
    ...{ method: "GET", endpoint: "/api/v1/stacks/:id", status: 200, seconds: 0.5, isHeld: false },
  };

  observe(request);
  observe({ ...request, status: 499, seconds: 2 });
  observe({ ...request, method: "HEAD", seconds: 0.25 });
  for (const seconds of [0.5, 1]) observe({ ...request, seconds });
  observe({ ...request, endpoint: "/api/v1/agents/:id/changes", seconds: 25, isHeld: true });

  const page = await registry.page?.("text") ?? "";
  const get = 'method="GET",endpoint="/api/v1/stacks/:id"';
  const head = 'method="HEAD",endpoint="/api/v1/stacks/:id"';
  assert.deepEqual(page.split("\n").filter((line) => /^brokkr_http_request/.test(line) && !line.includes("_bucket")), [
    `brokkr_http_requests_total{${get},status="200"} 3`,
    `brokkr_http_requests_total{${get},status="499"} 1`,
    `brokkr_http_requests_total{${head},status="200"} 1`,
    'brokkr_http_requests_total{method="GET",endpoint="/api/v1/agents/:id/changes",status="200"} 1',
    `brokkr_http_request_duration_seconds_sum{${get}} 4`,
    `brokkr_http_request_duration_seconds_count{${get}} 4`,
    `brokkr_http_request_duration_seconds_sum{${head}} 0.25`,
    `brokkr_http_request_duration_seconds_count{${head}} 1`,
  ]);
});

Deno.test("observeRequests() has the failures of each route on the page before there are any", async () => {
  const registry = createRegistry({ clock: new ManualClock(), log: silentLog() });
  observeRequests(registry.register(HTTP_METRICS), [{ method: "PUT", endpoint: "/api/v1/stacks/:id" }]);

  const page = await registry.page?.("text") ?? "";

  assert.deepEqual(page.split("\n").filter((line) => line.startsWith("brokkr_http_request")), [
    'brokkr_http_requests_total{method="PUT",endpoint="/api/v1/stacks/:id",status="500"} 0',
    'brokkr_http_requests_total{method="PUT",endpoint="/api/v1/stacks/:id",status="503"} 0',
  ]);
});
