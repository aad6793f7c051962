import assert from "node:assert/strict";
import { sha256Hex } from "$lib/ids.ts";
import { isSameHash, mintPak, pakHash, refuseKnownKey } from "./pak.ts";

const KNOWN = "4c697273df3d764cba950bb5c04368097685f09259f5bd880d892cf1ff9f4cdd";

Deno.test("mintPak() gives a key of the usual form, and the hash of its long token", async () => {
  const { pak, hash } = await mintPak();

  assert.match(pak, /^brokkr_BR[1-9A-HJ-NP-Za-km-z]{6}_[1-9A-HJ-NP-Za-km-z]{30,34}$/);
  assert.equal(pakHash(pak), hash);
  assert.equal(hash, await sha256Hex(pak.split("_")[2] ?? ""));
});

Deno.test("pakHash() hashes the long token of anything like a key, and of nothing else", async () => {
  assert.equal(pakHash("brokkr_BRabcdef_xyz"), await sha256Hex("xyz"));
  for (const malformed of ["", "brokkr", "brokkr__x", "brokkr_a_", "brokkr_a_b_c", "other_a_b", "brokkr_a_b c"]) {
    assert.equal(pakHash(malformed), undefined, malformed);
  }
});

Deno.test("isSameHash() tells equal hashes from those that differ anywhere or in length", () => {
  assert.equal(isSameHash(KNOWN, KNOWN), true);
  for (const other of ["", KNOWN.slice(1), `${KNOWN}0`, `5${KNOWN.slice(1)}`, `${KNOWN.slice(0, -1)}c`]) {
    assert.equal(isSameHash(KNOWN, other), false, other);
    assert.equal(isSameHash(other, KNOWN), false, other);
  }
});

Deno.test("refuseKnownKey() refuses the published key unless it is allowed, and no other key", () => {
  assert.throws(() => refuseKnownKey(KNOWN, { isAllowed: false }), { code: "invalid_settings" });
  refuseKnownKey(KNOWN, { isAllowed: true });
  refuseKnownKey("a".repeat(64), { isAllowed: false });
});
