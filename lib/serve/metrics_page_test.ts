import assert from "node:assert/strict";
import { createMetricsPage } from "$lib/serve/metrics_page.ts";
import type { PageSettings } from "$lib/settings.ts";
import type { listen } from "$lib/serve/listener.ts";
import type { RequestHandler } from "$lib/serve.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";

const OFF = { "metrics.port": undefined, "metrics.bearer_token_file": undefined };

/** A page whose listener is only remembered. */
function paged(
  given: Partial<PageSettings>,
  page: (() => Promise<string>) | undefined = () => Promise.resolve("x 1\n"),
) {
  const listening: { handler: RequestHandler; hostname: string; port: number; isStopped: boolean }[] = [];
  const remember: typeof listen = (handler, { hostname, port }) => {
    const one = { handler, hostname, port, isStopped: false };
    listening.push(one);
    return Promise.resolve({
      ...{ hostname, port },
      failed: Promise.withResolvers<never>().promise,
      stop: () => {
        one.isStopped = true;
        return Promise.resolve();
      },
    });
  };
  const made = createMetricsPage({
    settings: { "metrics.enabled": true, ...OFF, ...given },
    registry: { page },
    clock: new ManualClock(),
    log: silentLog(),
    listen: remember,
  });
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await listening[0]?.handler(new Request(`http://broker${path}`, init));
    return response?.status;
  };
  return { made, listening, ask };
}

Deno.test("a page is beside everything else, and nothing listens for it alone, unless it has a port", async () => {
  const { made, listening } = paged({});

  assert.deepEqual(await made.start("127.0.0.1"), {});

  assert.deepEqual([(await made.onMain?.(new Request("http://broker/metrics")))?.status, listening], [200, []]);
});

Deno.test("a page with a port is there, and there only, at the main listener's address", async () => {
  const { made, listening } = paged({ "metrics.port": 9090 });

  assert.deepEqual(await made.start("::1"), { metricsPort: 9090 });

  assert.equal(made.onMain, undefined);
  assert.deepEqual(listening.map(({ hostname, port }) => [hostname, port]), [["::1", 9090]]);
});

Deno.test("a listener of the page has nothing but the page, for GET and HEAD", async () => {
  const { made, ask } = paged({ "metrics.port": 9090 });
  await made.start("::1");

  const paths = ["/metrics", "/healthz", "/readyz", "/", "/api/v1/stacks"];

  assert.deepEqual(await Promise.all(paths.map((path) => ask(path))), [200, 404, 404, 404, 404]);
  const methods = ["HEAD", "POST", "DELETE"];
  assert.deepEqual(await Promise.all(methods.map((method) => ask("/metrics", { method }))), [200, 405, 405]);
});

Deno.test("a listener of the page stops with the program", async () => {
  const { made, listening } = paged({ "metrics.port": 9090 });
  await made.start("::1");

  await made.stop();

  assert.deepEqual(listening.map(({ isStopped }) => isStopped), [true]);
});

Deno.test("a page wants its token wherever it is served", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "t0ken\n");
    const beside = paged({ "metrics.bearer_token_file": path });
    const alone = paged({ "metrics.bearer_token_file": path, "metrics.port": 9090 });
    await alone.made.start("::1");
    const headers = { authorization: "Bearer t0ken" };

    const statuses = [
      (await beside.made.onMain?.(new Request("http://broker/metrics")))?.status,
      (await beside.made.onMain?.(new Request("http://broker/metrics", { headers })))?.status,
      await alone.ask("/metrics"),
      await alone.ask("/metrics", { headers }),
    ];

    assert.deepEqual(statuses, [401, 200, 401, 200]);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("nothing is served, and nothing listens, where metrics are off", async () => {
  const { made, listening } = paged({ "metrics.port": 9090 }, undefined);
  const off = createMetricsPage({
    settings: { "metrics.enabled": false, ...OFF, "metrics.port": 9090 },
    registry: { page: undefined },
    clock: new ManualClock(),
    log: silentLog(),
  });

  assert.deepEqual([await off.start("127.0.0.1"), off.onMain], [{}, undefined]);
  await off.stop();
  await made.stop();
  assert.deepEqual(listening, []);
});
