import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import { formatFor, metricsHandler, type PageSource } from "$lib/exposition.ts";

const PROMETHEUS_2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75," +
  "text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
const PROMETHEUS_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6," +
  "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4," +
  "text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

const PAGE: PageSource = { page: (format) => Promise.resolve(`page in ${format}\n`) };

function handlerOf(source: PageSource) {
  const errors: string[] = [];
  const nothing = () => {};
  const log = { debug: nothing, info: nothing, warn: nothing, error: (message: string) => errors.push(message) };
  return { handle: metricsHandler(source, log) ?? assert.fail("there is no handler"), errors };
}

function ask(headers: Record<string, string> = {}): Promise<Response> {
  return handlerOf(PAGE).handle(new Request("http://broker/metrics", { headers }));
}

Deno.test("formatFor() prefers OpenMetrics where Prometheus 2 and 3 do", () => {
  assert.deepEqual([PROMETHEUS_2, PROMETHEUS_3].map(formatFor), ["openmetrics", "openmetrics"]);
});

Deno.test("formatFor() gives the text format to whoever does not ask for OpenMetrics", () => {
  const headers = [
    null,
    "",
    "*/*",
    "text/*",
    "text/plain",
    "text/plain;version=0.0.4",
    "text/html,*/*;q=0.8",
    "image/png",
  ];

  assert.deepEqual(new Set(headers.map(formatFor)), new Set(["text"]));
});

Deno.test("formatFor() weighs qualities, and takes the first of equals", () => {
  const cases: [string, string][] = [
    ["application/openmetrics-text;q=0.5,text/plain;q=0.6", "text"],
    ["application/openmetrics-text;q=0.6,text/plain;q=0.5", "openmetrics"],
    ["text/plain,application/openmetrics-text", "text"],
    ["application/openmetrics-text,text/plain", "openmetrics"],
    ["application/openmetrics-text;q=0", "text"],
    ["application/openmetrics-text;q=x,text/plain;q=0.1", "text"],
    ['Application/OpenMetrics-Text; Version="1.0.0"; charset=utf-8', "openmetrics"],
  ];

  assert.deepEqual(cases.map(([accept]) => formatFor(accept)), cases.map(([, format]) => format));
});

Deno.test("formatFor() counts what is named against what a wildcard allows", () => {
  const cases: [string, string][] = [
    ["application/*", "openmetrics"],
    ["application/*,text/*;q=0.9", "openmetrics"],
    ["*/*;q=0.5, text/plain;q=0", "openmetrics"],
    ["application/openmetrics-text;q=0.1, */*", "text"],
    ["application/openmetrics-text;version=0.0.1, application/*;q=0", "text"],
  ];

  assert.deepEqual(cases.map(([accept]) => formatFor(accept)), cases.map(([, format]) => format));
});

Deno.test("formatFor() passes over versions that are not written here", () => {
  assert.equal(formatFor("application/openmetrics-text;version=0.0.1"), "text");
  assert.equal(formatFor("text/plain;version=1.0.0,application/openmetrics-text;version=1.0.0;q=0.1"), "openmetrics");
});

Deno.test("metricsHandler() answers in the negotiated format, never to be stored, without CORS headers", async () => {
  const [text, openmetrics] = [await ask(), await ask({ accept: PROMETHEUS_3 })];

  assert.deepEqual([text.status, await text.text()], [200, "page in text\n"]);
  assert.deepEqual([openmetrics.status, await openmetrics.text()], [200, "page in openmetrics\n"]);
  assert.deepEqual([...openmetrics.headers], [
    ["cache-control", "no-store"],
    ["content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8"],
    ["vary", "accept, accept-encoding"],
  ]);
  assert.equal(text.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
});

Deno.test("metricsHandler() compresses where gzip is accepted", async () => {
  for (const accepted of ["gzip", "deflate, GZIP;q=0.5", "*"]) {
    const response = await ask({ "accept-encoding": accepted });

    assert.equal(response.headers.get("content-encoding"), "gzip");
    assert.equal(gunzipSync(await response.arrayBuffer()).toString(), "page in text\n");
  }
});

Deno.test("metricsHandler() sends each page whole and alone, whatever was longer before it or is asked for beside it", async () => {
  const pages = ["x".repeat(100_000), "€😀".repeat(50_000), "short"];
  for (const encoding of ["identity", "gzip"]) {
    const rest = pages.values();
    const { handle } = handlerOf({ page: () => Promise.resolve(rest.next().value ?? "") });
    const request = () => new Request("http://broker/metrics", { headers: { "accept-encoding": encoding } });

    const answers = await Promise.all(pages.map(() => handle(request())));

    const bodies = await Promise.all(answers.map(async (answer) => new Uint8Array(await answer.arrayBuffer())));
    const plain = bodies.map((body) => new TextDecoder().decode(encoding === "gzip" ? gunzipSync(body) : body));
    assert.deepEqual(plain, pages, encoding);
  }
});

Deno.test("metricsHandler() does not compress where gzip is refused or not named", async () => {
  for (const refused of ["identity", "gzip;q=0", "gzip;q=0, *", "br", ""]) {
    const response = await ask({ "accept-encoding": refused });

    assert.deepEqual([response.headers.get("content-encoding"), await response.text()], [null, "page in text\n"]);
  }
});

Deno.test("metricsHandler() answers 500 with a short text and logs the reason when the page can't be made", async () => {
  const { handle, errors } = handlerOf({ page: () => Promise.reject(new Error("the reason")) });

  const response = await handle(new Request("http://broker/metrics"));

  assert.deepEqual([response.status, await response.text()], [500, "Cannot collect the metrics\n"]);
  assert.equal(response.headers.get("cache-control"), "no-store");
  assert.deepEqual(errors, ["metrics could not be collected"]);
});

Deno.test("metricsHandler() is not there where metrics are off", () => {
  const nothing = () => {};
  const log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

  assert.equal(metricsHandler({ page: undefined }, log), undefined);
});
