import assert from "node:assert/strict";
import { ManualClock } from "../../../tests/fakes/manual_clock.ts";
import { recordedTracing } from "../../../tests/fakes/recorded_spans.ts";
import { type Patience, whatRemains } from "./remaining.ts";

const THINGS = ["a", "b", "c"];

/** Waits inside a turn's span for things of which each look finds one fewer: what is left, and the wait's span. */
async function waited(
  { found, timeoutMs = 1_000 }: { readonly found: readonly string[]; readonly timeoutMs?: number },
) {
  const clock = new ManualClock({ skipsSleeps: true });
  const { tracing, spans } = recordedTracing({ clock });
  const turn = tracing.begin("turn");
  const patience: Patience = { until: "gone", intervalMs: 100, timeoutMs, signal: new AbortController().signal };
  const gone = new Set<string>();
  const look = (left: readonly string[]) => {
    found.filter((one) => left.includes(one)).slice(0, 1).forEach((one) => gone.add(one));
    return Promise.resolve(left.filter((one) => !gone.has(one)));
  };
  const left = await tracing.within(turn, () => whatRemains({ clock, tracing }, { things: THINGS, look }, patience));
  turn?.end();
  const all = await spans();
  return { left, spans: all.filter(({ name }) => name !== "turn"), turn: all.find(({ name }) => name === "turn") };
}

Deno.test("whatRemains() is a span of the turn while it waits, from the first look that was not enough", async () => {
  const { left, spans: [span, ...more], turn } = await waited({ found: THINGS });

  assert.ok(span && turn);
  assert.deepEqual([left, more], [[], []]);
  assert.deepEqual([span.name, span.parentId, span.status], ["wait until gone", turn.spanId, "unset"]);
  assert.deepEqual(span.attributes, { "brokkr.wait.objects": 2 });
  assert.equal(span.endNanoseconds - span.startNanoseconds, 200_000_000n);
});

Deno.test("whatRemains() ends its span as failed when the time is over, and begins none where one look is enough", async () => {
  const late = await waited({ found: ["b"] });
  const atOnce = await whatRemains({ clock: new ManualClock() }, { things: THINGS, look: () => Promise.resolve([]) }, {
    ...{ until: "gone", intervalMs: 100, timeoutMs: 1_000, signal: new AbortController().signal },
  });

  assert.deepEqual([late.left, atOnce], [["a", "c"], []]);
  assert.deepEqual(late.spans.map(({ status, attributes }) => [status, attributes["error.type"]]), [
    ["error", "timeout"],
  ]);
});
