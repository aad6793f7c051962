import assert from "node:assert/strict";
import { checkHealth } from "$lib/program/healthcheck.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";

function parts(answer: (url: string, signal: AbortSignal | null | undefined) => Promise<Response>) {
  const clock = new ManualClock();
  const fetch = (url: RequestInfo | URL, init?: RequestInit) => answer(String(url), init?.signal);
  return { clock, fetch: fetch as typeof globalThis.fetch };
}

Deno.test("checkHealth() asks /healthz at the address, and at loopback where that is every address", async () => {
  const asked: string[] = [];
  const from = parts((url) => {
    asked.push(url);
    return Promise.resolve(new Response("OK"));
  });

  for (const hostname of ["0.0.0.0", "::", "[::]", "10.0.0.7", "::1", "broker"]) {
    await checkHealth({ hostname, port: 3000 }, from);
  }

  assert.deepEqual(asked, [
    "http://127.0.0.1:3000/healthz",
    "http://[::1]:3000/healthz",
    "http://[::1]:3000/healthz",
    "http://10.0.0.7:3000/healthz",
    "http://[::1]:3000/healthz",
    "http://broker:3000/healthz",
  ]);
});

Deno.test("checkHealth() fails on another status than 200, and where nobody answers", async () => {
  const address = { hostname: "127.0.0.1", port: 3000 };
  const ill = parts(() => Promise.resolve(new Response("no such path", { status: 404 })));
  const gone = parts(() => Promise.reject(new TypeError("connection refused")));

  await assert.rejects(checkHealth(address, ill), { code: "unavailable", message: /answers 404 no such path$/ });
  await assert.rejects(checkHealth(address, gone), { code: "unavailable", message: /connection refused$/ });
});

Deno.test("checkHealth() waits five seconds for an answer and no longer", async () => {
  const from = parts((_, signal) =>
    new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)))
  );

  const checking = assert.rejects(checkHealth({ hostname: "127.0.0.1", port: 3000 }, from), /Timed out after 5000 ms/);
  await from.clock.advance(5_000);

  await checking;
});
