import assert from "node:assert/strict";
import type { OtlpAnswer } from "$lib/telemetry/otlp.ts";
import { halvesOf, PartSender } from "$lib/telemetry/parts.ts";

const ACCEPTED: OtlpAnswer = { kind: "accepted", body: new Uint8Array() };

/** Sends items of so many bytes each to a receiver that takes requests of `limit` bytes. */
function start({ maxBytes = 1_000_000, limit = Infinity, refusal = 413 } = {}) {
  const sent: number[] = [];
  const sender = new PartSender<readonly number[]>({
    sender: {
      send({ length }) {
        sent.push(length);
        const rejected: OtlpAnswer = { kind: "rejected", reason: `status ${refusal}`, isTooLarge: refusal === 413 };
        return Promise.resolve(length > limit ? rejected : ACCEPTED);
      },
    },
    ...{ maxBytes, halves: halvesOf },
    encode: (sizes) => new Uint8Array(sizes.reduce((sum, size) => sum + size, 0)),
  });
  return { sent, send: (batch: readonly number[]) => Array.fromAsync(sender.send(batch)) };
}

function said(parts: readonly (readonly [readonly number[], OtlpAnswer])[]) {
  return parts.map(([part, { kind }]) => [part.length, kind]);
}

Deno.test("PartSender.send() cuts what is longer than a request may be, and nothing else", async () => {
  const { sent, send } = start({ maxBytes: 20_000 });

  const whole = await send([10_000, 10_000]);
  const parts = await send([10_000, 10_000, 10_000, 1, 30_000]);

  assert.deepEqual(said(whole), [[2, "accepted"]]);
  assert.deepEqual(said(parts), [[2, "accepted"], [1, "accepted"], [1, "accepted"], [1, "accepted"]]);
  assert.deepEqual(sent, [20_000, 20_000, 10_000, 1, 30_000]);
});

Deno.test("PartSender.send() sends the halves of what is refused as too large, and cuts what comes next beforehand", async () => {
  const { sent, send } = start({ limit: 50_000 });
  const batch = Array.from({ length: 8 }, () => 20_000);

  const first = await send(batch);
  const refused = sent.filter((length) => length > 50_000);
  sent.length = 0;
  const second = await send(batch);

  assert.deepEqual([said(first), said(second)], Array(2).fill(Array(4).fill([2, "accepted"])));
  assert.deepEqual(refused, [160_000, 80_000]);
  assert.deepEqual(sent, Array(4).fill(40_000));
});

Deno.test("PartSender.send() gives up one item that is too large, and the rest arrives", async () => {
  const { send } = start({ limit: 50_000 });

  const parts = await send([20_000, 60_000, 20_000]);

  assert.deepEqual(said(parts), [[1, "accepted"], [1, "rejected"], [1, "accepted"]]);
});

Deno.test("PartSender.send() cuts nothing for another refusal, nor for ever for who refuses everything", async () => {
  const [other, never] = [start({ limit: 0, refusal: 400 }), start({ limit: 0 })];
  const batch = Array.from({ length: 512 }, () => 200);

  assert.deepEqual(said(await other.send(batch)), [[512, "rejected"]]);
  assert.deepEqual(said(await never.send(batch)), Array(8).fill([64, "rejected"]));
  assert.equal(never.sent.length, 11);
});
