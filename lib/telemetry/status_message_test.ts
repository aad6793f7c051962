import assert from "node:assert/strict";
import { statusMessage } from "$lib/telemetry/status_message.ts";
import { field, joined, numberField } from "../../tests/fakes/protobuf_writer.ts";

Deno.test("statusMessage() reads why a receiver refuses, wherever it stands in the message", () => {
  const [code, message, details] = [numberField(1, 8), field(2, "too much, später"), field(3, field(1, "a type"))];

  for (const parts of [[message], [code, message], [code, message, details], [details, code, message]]) {
    assert.equal(statusMessage(joined(...parts)), "too much, später");
  }
});

Deno.test("statusMessage() reads nothing of what is no such message, or breaks off", () => {
  const whole = joined(numberField(1, 3), field(2, "refused"));
  const others = [new Uint8Array(), numberField(1, 3), new TextEncoder().encode('{"message":"no"}'), field(3, "x")];
  const endless = new Uint8Array(65_536).fill(255);

  for (const bytes of [...others, endless]) assert.equal(statusMessage(bytes), "");
  for (let length = 0; length < whole.length; length++) assert.equal(statusMessage(whole.subarray(0, length)), "");
});
