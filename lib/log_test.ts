import assert from "node:assert/strict";
import { INVALID_SPAN_CONTEXT } from "@opentelemetry/api";
import {
  LOG_LEVELS,
  type LogLine,
  type LogOptions,
  startLog,
  telemetryLog,
  tracedLog,
  withoutSecrets,
} from "$lib/log.ts";
import { disabledTracing, type Span } from "$lib/tracing.ts";

async function start(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = await startLog({ level: "debug", format: "text", write: (line) => lines.push(line), ...options });
  return { log, lines };
}

/** A text line without its time. */
function withoutTime(line: string | undefined): string {
  return (line ?? "").replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /, "");
}

Deno.test("startLog() writes a text line: time, level, message, fields as JSON but those undefined", async () => {
  const { log, lines } = await start();

  log.warn("poll failed", { status: 503, reason: 'a "b"\nc', missing: undefined });

  assert.match(lines[0] ?? "", /^\d{4}-\d\d-\d\dT/);
  assert.deepEqual(lines.map(withoutTime), ['warn  poll failed status=503 reason="a \\"b\\"\\nc"']);
});

Deno.test("startLog() writes a JSON line whose time, level and message no field replaces", async () => {
  const { log, lines } = await start({ format: "json" });

  const beforeMs = Date.now();
  log.info("stack applied", { stack: "web", level: "x", message: "y", time: "z" });

  const { time, ...rest } = JSON.parse(lines[0] ?? "");
  assert.ok(Date.parse(time) >= beforeMs && Date.parse(time) <= Date.now());
  assert.deepEqual(rest, { level: "info", message: "stack applied", stack: "web" });
});

Deno.test("startLog() writes lines of the level asked for and above only", async () => {
  for (const [at, level] of LOG_LEVELS.entries()) {
    const { log, lines } = await start({ level, format: "json" });

    for (const one of LOG_LEVELS) log[one]("x");

    assert.deepEqual(lines.map((line) => JSON.parse(line).level), LOG_LEVELS.slice(at));
  }
});

Deno.test("startLog() writes an error as its message and those of its causes, never its stack", async () => {
  const { log, lines } = await start();

  log.error("turn failed", { error: new Error("Cannot poll", { cause: new Error("connection refused") }) });

  assert.deepEqual(lines.map(withoutTime), ['error turn failed error="Cannot poll: connection refused"']);
});

Deno.test("startLog() says what a message has of its cause's once", async () => {
  const { log, lines } = await start();
  const cause = new Error("no such file", { cause: new Error("os error 2") });

  log.error("turn failed", { error: new Error("Cannot read the key: no such file", { cause }) });

  assert.deepEqual(lines.map(withoutTime), ['error turn failed error="Cannot read the key: no such file: os error 2"']);
});

Deno.test("startLog() does not throw on a field that is no JSON", async () => {
  const { log } = await start();

  assert.doesNotThrow(() => log.info("x", { big: 1n }));
});

Deno.test("startLog() masks secrets in every field of both formats", async () => {
  for (const format of ["text", "json"] as const) {
    const { log, lines } = await start({ format });

    log.info("x", { error: new Error("refused: postgres://me:hunter2@db"), nested: { pak: "brokkr_BRabc123_SECRET" } });

    assert.doesNotMatch(lines.join(), /hunter2|SECRET/);
    assert.match(lines.join(), /postgres:\/\/me:\*\*\*@db/);
  }
});

Deno.test("withoutSecrets() masks keys, passwords in URLs and bearer tokens", () => {
  const cases: [string, string][] = [
    ["key brokkr_BR4Gf9xZ_7hQ2kLm, used", "key brokkr_BR4Gf9xZ_***, used"],
    ["key brokkr_mine_7hQ2kLm97hQ2kLm97hQ2, used", "key brokkr_mine_***, used"],
    ["postgres://me:p%40ss@db:5432/x", "postgres://me:***@db:5432/x"],
    ["postgres://me:p/a@s:s@db/x", "postgres://me:***@db/x"],
    ["redis://:pass@host", "redis://:***@host"],
    ["POSTGRES://me:pass@db", "POSTGRES://me:***@db"],
    ["Authorization: Bearer abc.def-1~2+3/4=", "Authorization: Bearer ***"],
    ["authorization: bearer abc", "authorization: bearer ***"],
  ];

  assert.deepEqual(cases.map(([text]) => withoutSecrets(text)), cases.map(([, masked]) => masked));
});

Deno.test("withoutSecrets() leaves metric names, URLs without a password and other text alone", () => {
  const texts = ["brokkr_http_requests_total", "http://broker:3000/api/v1", "me@example.com", "12:30@noon"];

  assert.deepEqual(texts.map(withoutSecrets), texts);
});

Deno.test("withoutSecrets() masks what stands in a URL inside a URL, and up to the last at sign of a word", () => {
  assert.equal(withoutSecrets("http://a/?u=postgres://me:x@db next://b"), "http://a/?u=postgres://me:***@db next://b");
  assert.equal(withoutSecrets("a://b:c@d,e://f:g@h"), "a://b:***@h");
});

Deno.test("startLog() masks the texts that are secret at the moment of a line, as JSON has them too", async () => {
  const lines: string[] = [];
  const secrets = new Set(['k"ey']);
  const log = await startLog({ level: "info", format: "json", secrets, write: (line) => lines.push(line) });

  log.info('it was k"ey', { rotated: "another" });
  secrets.add("another");
  log.info("and", { rotated: "another" });

  assert.deepEqual(lines.map((line) => JSON.parse(line)).map(({ message, rotated }) => [message, rotated]), [
    ["it was ***", "another"],
    ["and", "***"],
  ]);
});

Deno.test("tracedLog() says of which span a line is, as fields of their own, and nothing outside of every one", async () => {
  const { log, lines } = await start({ format: "json" });
  const context = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", traceFlags: 1 };
  let current: Span | undefined = {
    context,
    hasEnded: false,
    begin: () => assert.fail(),
    beginBy: () => assert.fail(),
    set() {},
    end() {},
  };
  const traced = tracedLog(log, { isOn: true, current: () => current });

  for (const level of LOG_LEVELS) traced[level]("in a span", { stack: "web", trace_id: "x" });
  const sampled = current;
  for (const other of [undefined, { ...sampled, context: INVALID_SPAN_CONTEXT }]) {
    current = other;
    traced.info("outside", { stack: "web" });
    const { time: _, ...outside } = JSON.parse(lines.pop() ?? "");
    assert.deepEqual(outside, { level: "info", message: "outside", stack: "web" });
  }
  const ids = { trace_id: context.traceId, span_id: context.spanId, trace_flags: "01" };
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)).map(({ time: _, ...line }) => line),
    LOG_LEVELS.map((level) => ({ level, message: "in a span", stack: "web", ...ids })),
  );
});

Deno.test("tracedLog() is the log itself where tracing is off", async () => {
  const { log } = await start();

  assert.equal(tracedLog(log, disabledTracing()), log);
});

Deno.test("startLog() hands on each line that is written in pieces, masked, but those about telemetry", async () => {
  const [lines, pieces]: [string[], LogLine[]] = [[], []];
  const secrets = new Set(["hunter22"]);
  const parts = { secrets, write: (line: string) => lines.push(line), onLine: (line: LogLine) => pieces.push(line) };
  const log = await startLog({ level: "info", format: "text", ...parts });

  log.debug("not written");
  log.warn("lost hunter22", { error: new Error("postgres://me:pw@db"), count: 2, isOn: true, to: { key: "hunter22" } });
  telemetryLog().warn("telemetry can't be sent", { reason: "status 500" });

  assert.deepEqual(pieces.map(({ timeMs: _, ...piece }) => piece), [{
    level: "warn",
    message: "lost ***",
    fields: { error: "postgres://me:***@db", count: 2, isOn: true, to: '{"key":"***"}' },
  }]);
  assert.match(lines[1] ?? "", /telemetry can't be sent reason="status 500"$/);
});
