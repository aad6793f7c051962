import assert from "node:assert/strict";
import type { ReceivedSpan } from "../fakes/otlp_spans.ts";
import { firstDelivery, treeRows } from "./trace.ts";

/** A span of trace `t` that took so many milliseconds. */
function span(
  name: string,
  [startMs, endMs]: readonly [number, number],
  rest: Partial<ReceivedSpan> = {},
): ReceivedSpan {
  return {
    resource: { "service.name": "brokkr-broker" },
    scope: "brokkr",
    traceId: "t",
    spanId: name,
    traceState: "",
    parentId: "",
    name,
    kind: "internal",
    startNanoseconds: BigInt(startMs) * 1_000_000n,
    endNanoseconds: BigInt(endMs) * 1_000_000n,
    attributes: {},
    links: [],
    status: "unset",
    statusMessage: "",
    ...rest,
  };
}

Deno.test("treeRows() shows each span below what it is part of, in the order they began, from the first on", () => {
  const trace = [
    span("late", [130, 140], { parentId: "root" }),
    span("inner", [111, 112], { parentId: "early", status: "error" }),
    span("root", [100, 120], { parentId: "the client's" }),
    span("early", [110, 115], { parentId: "root", resource: {} }),
  ];

  assert.deepEqual(treeRows(trace), [
    ["     0.0", "    20.0", "brokkr-broker", "root"],
    ["    10.0", "     5.0", "", "  early"],
    ["    11.0", "     1.0", "brokkr-broker", "    inner (failed)"],
    ["    30.0", "    10.0", "brokkr-broker", "  late"],
  ]);
  assert.deepEqual(treeRows([]), []);
});

Deno.test("firstDelivery() is the trace of the submission that began first, once a report came after its turn", () => {
  const submit = "POST /api/v1/stacks/:id/deployment-objects";
  const report = "POST /api/v1/agents/:id/events";
  const later = span(submit, [200, 220], { traceId: "u" });
  const early = [span(report, [104, 105]), span("apply stack", [101, 110]), span(submit, [100, 120]), later];
  const whole = [...early, span(report, [130, 131])];

  assert.equal(firstDelivery([]), undefined);
  assert.equal(firstDelivery(early), undefined);
  assert.deepEqual(firstDelivery(whole), whole.filter((one) => one !== later));
});
