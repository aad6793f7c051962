import assert from "node:assert/strict";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { pacedBody } from "./paced_body.ts";

Deno.test("pacedBody() says once that it is over, when its reader leaves while the next piece is made too", async () => {
  const [asked, next] = [Promise.withResolvers<void>(), Promise.withResolvers<string>()];
  const pieces = async function* () {
    yield "first";
    asked.resolve();
    yield await next.promise;
  };
  let ends = 0;
  const reader = pacedBody(pieces(), { clock: new ManualClock(), onEnd: () => ends += 1 }).getReader();

  await reader.read();
  const reading = reader.read();
  await asked.promise;
  const cancelled = reader.cancel();
  next.resolve("second");
  await Promise.all([reading, cancelled]);

  assert.equal(ends, 1);
});
