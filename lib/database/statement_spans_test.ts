import assert from "node:assert/strict";
import { Failure } from "$lib/error.ts";
import { recordedTracing } from "../../tests/fakes/recorded_spans.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import type { Driver, Statements } from "./driver.ts";
import { Meter } from "./meter.ts";
import { inTransaction } from "./transaction.ts";

/** A connection whose transactions begin, and end, at once. */
const STATEMENTS: Statements = { run: () => Promise.resolve([]), command: () => Promise.resolve() };
const DRIVER: Driver = { ...STATEMENTS, begin: (work) => work(STATEMENTS), end: () => Promise.resolve() };

/** A sampled request in which a transaction runs whose one statement comes to this; its statements' spans. */
async function inRequest(statement: () => Promise<readonly object[]>) {
  const { tracing, spans } = recordedTracing();
  const server = () => ({ "server.address": "db.example", "db.namespace": "brokkr|public" });
  const meter = new Meter({ clock: new ManualClock(), tracing, server }).inTransaction();
  const piece = Object.assign(["insert into stacks (name) values (", ")"], { raw: [] });
  const request = tracing.begin("request") ?? assert.fail("it is sampled");

  const ended = await tracing.within(
    request,
    () =>
      inTransaction(DRIVER, () => meter.measure(piece, ["a-value"], statement), {
        ...{ meter, answered: (send) => send(), failed: (error) => error },
        notices: { outbox: () => ({ put: () => Promise.resolve(), deliver: () => {} }) } as never,
      }).then(() => "committed", () => "rolled back"),
  );
  request.end();

  const statements = (await spans()).filter(({ kind }) => kind === "client");
  return { ended, spans: statements.toSorted((a, b) => a.name.localeCompare(b.name)) };
}

Deno.test("StatementSpans says of each statement where it went, and of a transaction that it began and was committed", async () => {
  const { ended, spans } = await inRequest(() => Promise.resolve([]));

  assert.equal(ended, "committed");
  assert.deepEqual(spans.map(({ name }) => name), ["BEGIN", "COMMIT", "INSERT stacks"]);
  for (const { attributes, status } of spans) {
    assert.partialDeepStrictEqual(attributes, {
      ...{ "db.system.name": "postgresql", "server.address": "db.example", "db.namespace": "brokkr|public" },
    });
    assert.equal(status, "unset");
  }
});

Deno.test("StatementSpans says by which code the server refused a statement, and never of a commit that it was refused", async () => {
  const cause = Object.assign(new Error("duplicate key value a-value"), { code: "23505" });
  const { ended, spans } = await inRequest(() => Promise.reject(new Failure("unique_violation", "Cannot", { cause })));

  assert.equal(ended, "rolled back");
  assert.deepEqual(
    spans.map(({ name, attributes }) => [name, attributes["error.type"], attributes["db.response.status_code"]]),
    [["BEGIN", undefined, undefined], ["INSERT stacks", "unique_violation", "23505"]],
  );
  assert.doesNotMatch(JSON.stringify(spans.map(({ name, attributes }) => [name, attributes])), /a-value/);
});

Deno.test("StatementSpans says no code of a failure that was none of the server's", async () => {
  const cause = Object.assign(new Error("gone"), { code: "CONNECTION_CLOSED" });
  const { spans } = await inRequest(() => Promise.reject(new Failure("unavailable", "Cannot", { cause })));

  assert.deepEqual(spans.map(({ attributes }) => attributes["db.response.status_code"]), [undefined, undefined]);
});
