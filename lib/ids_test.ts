import assert from "node:assert/strict";
import { base58 } from "@scure/base";
import { newId, newPak, random, sha256Base64Url, sha256Hex } from "$lib/ids.ts";

Deno.test("newPak() makes a key of a short part that starts with BR and of 24 random bytes in base58", () => {
  const [, short = "", long = ""] = /^brokkr_([1-9A-HJ-NP-Za-km-z]{8})_(.+)$/.exec(newPak()) ?? [];

  assert.match(short, /^BR/);
  assert.equal(base58.decode(long).length, 24);
});

Deno.test("newPak() and newId() make no two alike", () => {
  const made = Array.from({ length: 1_000 }, () => [newPak(), newId()]).flat();

  assert.equal(new Set(made).size, 2_000);
});

Deno.test("newId() makes a UUID of version 4", () => {
  assert.match(newId(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

Deno.test("sha256Hex() gives the lower-case hex digest of a text's UTF-8 or of bytes", async () => {
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  assert.deepEqual([await sha256Hex("abc"), await sha256Hex(new Uint8Array([97, 98, 99]))], [abc, abc]);
  assert.equal(await sha256Hex("é"), await sha256Hex(new Uint8Array([0xc3, 0xa9])));
});

Deno.test("sha256Base64Url() gives the digest in base64url without padding", async () => {
  assert.equal(await sha256Base64Url("abc"), "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
});

Deno.test("random() stays within [0, 1)", () => {
  const numbers = Array.from({ length: 1_000 }, random);

  assert.ok(numbers.every((number) => number >= 0 && number < 1));
  assert.ok(new Set(numbers).size > 990);
});
