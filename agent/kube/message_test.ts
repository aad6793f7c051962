import assert from "node:assert/strict";
import { boundedMessage, MESSAGE_MAX_BYTES } from "./message.ts";

Deno.test("boundedMessage() cuts at 4 KiB and never through a character", () => {
  const text = "é".repeat(MESSAGE_MAX_BYTES);

  const cut = boundedMessage(text);

  assert.ok(new TextEncoder().encode(cut).length <= MESSAGE_MAX_BYTES);
  assert.match(cut, /^é+…$/);
  assert.equal(boundedMessage("short"), "short");
});
