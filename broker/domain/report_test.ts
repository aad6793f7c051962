import assert from "node:assert/strict";
import type { NewAgentEvent, ObjectResult } from "$lib/wire/event.ts";
import type { Delivery } from "./delivery.ts";
import { eventOf, messageOf, readReport } from "./report.ts";

const body: NewAgentEvent = { agent_id: "agent", stack_id: "stack" };

Deno.test("readReport() understands old clients' words", () => {
  const state = (event_type: "DEPLOY" | "DELETE", status: "SUCCESS" | "FAILURE") =>
    readReport({ ...body, event_type, status }, "agent").state;

  assert.deepEqual(
    [state("DEPLOY", "SUCCESS"), state("DELETE", "SUCCESS"), state("DEPLOY", "FAILURE"), state("DELETE", "FAILURE")],
    ["applied", "removed", "failed", "failed"],
  );
});

Deno.test("readReport() lets the state decide where both are said", () => {
  const report = readReport({ ...body, state: "blocked", event_type: "DEPLOY", status: "SUCCESS" }, "agent");

  assert.equal(report.state, "blocked");
});

Deno.test("readReport() names everything that is missing, and refuses another agent's report", () => {
  const refused = (changes: Partial<NewAgentEvent>, ...paths: string[]) =>
    assert.throws(() => readReport({ ...body, ...changes }, "agent"), (error: Error) => {
      const { code, details } = error as Error & { code: string; details: { errors: { path: string }[] } };
      assert.deepEqual([code, details.errors.map((fault) => fault.path)], ["invalid_request_body", paths]);
      return true;
    });

  refused({ stack_id: undefined, state: "applied" }, "deployment_object_id");
  refused({}, "event_type", "status");
  refused({ event_type: "DEPLOY" }, "status");
  assert.throws(() => readReport({ ...body, state: "applied" }, "another"), { code: "agent_id_mismatch" });
});

Deno.test("messageOf() is the agent's words, else what was done to each object, the worst first", () => {
  const results: ObjectResult[] = [
    { kind: "ConfigMap", namespace: "n", name: "a", action: "created" },
    { kind: "Secret", namespace: "n", name: "s", action: "kept" },
    { kind: "Namespace", name: "n", action: "failed", error: "forbidden" },
  ];

  assert.equal(
    messageOf({ results }),
    "Namespace n failed: forbidden\nSecret n/s kept\nConfigMap n/a created",
  );
  assert.equal(messageOf({ results, message: "short" }), "short");
  assert.equal(messageOf({ results: [] }), undefined);
});

Deno.test("eventOf() keeps no history of applying, and calls a failed removal a DELETE", () => {
  const terminating = { state: "terminating" } as Delivery;
  const report = (state: "applying" | "applied" | "failed" | "blocked" | "removed") => ({ agentId: "agent", state });

  assert.equal(eventOf(report("applying"), undefined), undefined);
  assert.deepEqual(eventOf(report("applied"), terminating), { type: "DEPLOY", status: "SUCCESS" });
  assert.deepEqual(eventOf(report("removed"), undefined), { type: "DELETE", status: "SUCCESS" });
  assert.deepEqual(eventOf(report("blocked"), undefined), { type: "DEPLOY", status: "FAILURE" });
  assert.deepEqual(eventOf(report("failed"), terminating), { type: "DELETE", status: "FAILURE" });
});
