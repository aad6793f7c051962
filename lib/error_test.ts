import assert from "node:assert/strict";
import { Failure, isFailure, messageOf, quoted, STATUS_OF } from "$lib/error.ts";

Deno.test("Failure carries its code, its details and its cause", () => {
  const cause = new Error("connection refused");

  const failure = new Failure("unavailable", "Cannot read: no connection", { cause, details: { after: 5 } });

  assert.deepEqual([failure.code, failure.details, failure.cause, failure.name], [
    "unavailable",
    { after: 5 },
    cause,
    "Failure",
  ]);
});

Deno.test("isFailure() tells failures from bugs, and codes from each other", () => {
  const failure = new Failure("not_found", "Cannot find it: there is none");

  assert.deepEqual(
    [isFailure(failure), isFailure(failure, "unavailable", "not_found"), isFailure(failure, "unavailable")],
    [true, true, false],
  );
  assert.deepEqual([isFailure(new Error("bug")), isFailure({ code: "not_found" }), isFailure(undefined)], [
    false,
    false,
    false,
  ]);
});

Deno.test("messageOf() gives the message of whatever was thrown", () => {
  assert.deepEqual([new Error("a"), "b", undefined].map(messageOf), ["a", "b", "undefined"]);
});

Deno.test("STATUS_OF answers every code of the API with an error status, in order of status", () => {
  const statuses: number[] = Object.values(STATUS_OF);

  assert.ok(statuses.every((status) => status >= 400 && status < 600));
  assert.deepEqual(statuses, [...statuses].sort((a, b) => a - b));
});

Deno.test("quoted() repeats 200 characters of a text and no more", () => {
  assert.equal(quoted("x".repeat(200)), `"${"x".repeat(200)}"`);
  assert.equal(quoted("x".repeat(60_000)), `"${"x".repeat(200)}…"`);
});
