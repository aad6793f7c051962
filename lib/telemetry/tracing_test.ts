import assert from "node:assert/strict";
import { AsyncResource } from "node:async_hooks";
import { SpanKind } from "@opentelemetry/api";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { type ReceivedSpan, receivedSpans } from "../../tests/fakes/otlp_spans.ts";
import { recordedTracing } from "../../tests/fakes/recorded_spans.ts";
import type { Clock } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import { BATCH_MAX } from "$lib/telemetry/batch_queue.ts";
import { createTracing } from "$lib/telemetry/tracing.ts";
import type { Span } from "$lib/tracing.ts";

const NANOSECONDS = 1_000_000n;
const PARENT = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", traceFlags: 1 };

function begun(span: Span | undefined): Span {
  assert.ok(span !== undefined);
  return span;
}

Deno.test("createTracing() sends a span as it was begun, set and ended", async () => {
  const clock = new ManualClock();
  const { tracing, spans } = recordedTracing({ clock });

  const attributes = { "http.route": "/api/v1/stacks/:id" };
  const links = [{ ...PARENT, traceId: "1".repeat(32) }];
  const span = begun(
    tracing.begin("GET /api/v1/stacks/:id", { kind: SpanKind.SERVER, parent: PARENT, attributes, links }),
  );
  await clock.advance(250);
  span.set({ "http.response.status_code": 200 });
  span.end();

  const startNanoseconds = BigInt(Date.UTC(2026, 0, 1)) * NANOSECONDS;
  assert.deepEqual(
    await spans(),
    [
      {
        resource: { "service.name": "brokkr-test" },
        scope: "brokkr",
        traceId: PARENT.traceId,
        spanId: span.context.spanId,
        traceState: "",
        parentId: PARENT.spanId,
        name: "GET /api/v1/stacks/:id",
        kind: "server",
        startNanoseconds,
        endNanoseconds: startNanoseconds + 250n * NANOSECONDS,
        attributes: { "http.route": "/api/v1/stacks/:id", "http.response.status_code": 200 },
        links: [`${"1".repeat(32)}-${PARENT.spanId}`],
        status: "unset",
        statusMessage: "",
      },
    ] satisfies ReceivedSpan[],
  );
});

Deno.test("a span without a parent begins a trace of its own, and those in it are of that trace", async () => {
  const { tracing, spans } = recordedTracing();

  const [one, other] = [begun(tracing.begin("one")), begun(tracing.begin("other"))];
  const child = one.begin("child");
  for (const span of [child, one, other]) span.end();

  const [sentChild, sentOne, sentOther] = await spans();
  assert.deepEqual([sentChild?.traceId, sentChild?.parentId], [sentOne?.traceId, sentOne?.spanId]);
  assert.deepEqual([sentOne?.parentId, sentOther?.parentId], ["", ""]);
  assert.notEqual(sentOne?.traceId, sentOther?.traceId);
  for (const { traceId, spanId } of await spans()) assert.match(`${traceId} ${spanId}`, /^[0-9a-f]{32} [0-9a-f]{16}$/);
});

Deno.test("a span that ends with an error says its code or its kind, and never its message", async () => {
  const { tracing, spans } = recordedTracing();
  const secret = "hunter2";

  for (const error of [new Failure("stack_not_found", secret), new TypeError(secret), secret]) {
    begun(tracing.begin("fails")).end({ error });
  }

  const sent = await spans();
  assert.deepEqual(sent.map(({ attributes }) => attributes["error.type"]), ["stack_not_found", "TypeError", "_OTHER"]);
  assert.deepEqual(new Set(sent.map(({ status }) => status)), new Set(["error"]));
  assert.ok(!JSON.stringify(sent, (_, value) => typeof value === "bigint" ? String(value) : value).includes(secret));
});

Deno.test("a span lies inside its parent though the clock is set back or on meanwhile, and takes times of long ago", async () => {
  for (const stepMs of [-3_600_000, 3_600_000]) {
    const clock = new ManualClock();
    let offsetMs = 0;
    const stepping = {
      now: () => clock.now() + offsetMs,
      monotonic: () => clock.monotonic(),
      sleep: (ms: number) => clock.sleep(ms),
      after: (ms: number, work: () => void) => clock.after(ms, work),
    };
    const { tracing, spans } = recordedTracing({ clock: stepping });

    const parent = begun(tracing.begin("parent"));
    await clock.advance(10);
    offsetMs = stepMs;
    const child = parent.begin("child");
    await clock.advance(10);
    child.end();
    await clock.advance(10);
    parent.end();
    begun(tracing.begin("long ago", { startMs: 1_000.25 })).end({ endMs: 2_000.5 });

    const [sentChild, sentParent, ago] = await spans();
    const startOf = (span: ReceivedSpan | undefined) => span?.startNanoseconds ?? 0n;
    assert.equal(startOf(sentChild) - startOf(sentParent), 10n * NANOSECONDS);
    assert.equal((sentParent?.endNanoseconds ?? 0n) - (sentChild?.endNanoseconds ?? 0n), 10n * NANOSECONDS);
    assert.deepEqual([ago?.startNanoseconds, ago?.endNanoseconds], [1_000_250_000n, 2_000_500_000n]);
  }
});

Deno.test("current() is the span whose work this is, across every wait, and none once that has ended", async () => {
  const { tracing } = recordedTracing();
  const [a, b] = [begun(tracing.begin("a")), begun(tracing.begin("b"))];
  const names = new Map<Span | undefined, string>([[a, "a"], [b, "b"]]);
  const seen: string[] = [];
  const note = (where: string) => seen.push(`${where} ${names.get(tracing.current()) ?? "none"}`);

  await Promise.all([a, b].map((span) =>
    tracing.within(span, async () => {
      note("begins");
      await Promise.resolve();
      note("goes on");
      await tracing.within(undefined, async () => {
        await Promise.resolve();
        note("outside");
      });
      note("returns");
      span.end();
      note("has ended");
    })
  ));
  note("after");

  const of = (name: string) => seen.filter((one) => one.endsWith(` ${name}`)).map((one) => one.split(` ${name}`)[0]);
  assert.deepEqual([of("a"), of("b")], [["begins", "goes on", "returns"], ["begins", "goes on", "returns"]]);
  assert.deepEqual(of("none").sort(), ["after", "has ended", "has ended", "outside", "outside"]);
});

Deno.test("createTracing() sends outside of every span, and says what it is about as it is known then", async () => {
  const manual = new ManualClock();
  const clock: Clock = {
    now: () => manual.now(),
    monotonic: () => manual.monotonic(),
    sleep: (ms, signal) => manual.sleep(ms, signal),
    after: (ms, work) => manual.after(ms, AsyncResource.bind(work)), // as timers do
  };
  const known: Record<string, string> = {};
  const sent: (readonly [within: boolean, spans: readonly ReceivedSpan[]])[] = [];
  const tracing = createTracing({
    ...{ ratio: 1, followsParent: true, maxFollowedPerSecond: 10, clock, random: () => 0 },
    resource: () => known,
    sender: {
      send(payload) {
        sent.push([tracing.current() !== undefined, receivedSpans(payload)]);
        return Promise.resolve({ kind: "accepted", body: new Uint8Array() });
      },
    },
    maxBytes: 500_000,
    outcomes: { ended: () => {}, queueFull: () => {} },
  });

  const outer = begun(tracing.begin("outer"));
  const end = (count: number) =>
    tracing.within(outer, () => {
      for (let n = 0; n < count; n += 1) begun(tracing.current()).begin("inner").end();
    });
  end(1);
  known["brokkr.agent.id"] = "a1";
  await manual.advance(1_000);
  end(BATCH_MAX);

  const [[isWithin, spans] = [], ...more] = sent;
  assert.deepEqual([isWithin, more.map(([isWithin, { length }]) => [isWithin, length])], [false, [[false, BATCH_MAX]]]);
  assert.deepEqual(spans?.map(({ name, resource }) => [name, resource]), [["inner", { "brokkr.agent.id": "a1" }]]);
});

Deno.test("createTracing() counts the spans that it loses while nothing gets away", () => {
  const { tracing, lost } = recordedTracing();

  for (let n = 0; n < 2 * 512 + 2_048 + 7; n += 1) begun(tracing.begin("many")).end();

  assert.equal(lost(), 7);
});

Deno.test("an attribute is cut that is longer than 4,096 characters", async () => {
  const { tracing, spans } = recordedTracing();

  begun(tracing.begin("long", { attributes: { "db.query.text": "x".repeat(5_000) } })).end();

  const [sent] = await spans();
  assert.equal(String(sent?.attributes["db.query.text"]).length, 4_096);
});
