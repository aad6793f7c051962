import assert from "node:assert/strict";
import { readBytes } from "./body.ts";

const MAX = 1_000;

/** A request with a body of 1,001 bytes, in two pieces. */
function request(headers: Record<string, string>): Request {
  const body = ReadableStream.from([new Uint8Array(MAX), new Uint8Array(1)]);
  return new Request("http://broker/", { method: "POST", body, headers });
}

Deno.test("readBytes() refuses a body by the length that its head says", async () => {
  await assert.rejects(readBytes(request({ "content-length": "1001" }), MAX), { code: "too_large" });
});

Deno.test("readBytes() refuses a body that grows too long, whatever its head says of it", async () => {
  await assert.rejects(readBytes(request({}), MAX), { code: "too_large" });
  const both = { "content-length": "1", "transfer-encoding": "chunked" };
  await assert.rejects(readBytes(request(both), MAX), { code: "too_large" });
});

Deno.test("readBytes() gives every byte, in pieces or at once", async () => {
  const pieces = await readBytes(request({}), MAX + 1);
  const whole = await readBytes(request({ "content-length": "1001" }), MAX + 1);

  assert.deepEqual([pieces.length, whole.length], [MAX + 1, MAX + 1]);
});

Deno.test("readBytes() takes a body that breaks off for no fault of its own", async () => {
  const broken = (headers: Record<string, string>) => {
    const body = new ReadableStream({ start: (controller) => controller.error(new Error("the client left")) });
    return readBytes(new Request("http://broker/", { method: "POST", body, headers }), MAX);
  };

  await assert.rejects(broken({}), { code: "unavailable" });
  await assert.rejects(broken({ "content-length": "10" }), { code: "unavailable" });
});
