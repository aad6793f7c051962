import assert from "node:assert/strict";
import { sha256HexSync } from "$lib/ids.ts";
import { keptCopy, keptKey, keptText, keyDigest, readKeptText, snapshotOf } from "./kept_snapshot.ts";

const ID = "11111111-1111-4111-8111-111111111111";
const OWNER = { agentName: "edge", clusterName: "prod" };
const SNAPSHOT = {
  epoch: ID,
  revision: 7,
  complete: true as const,
  paused: false,
  prune_approved: 6,
  approved_stacks: [{ stack_id: ID, revision: 6 }],
  stacks: [{
    stack_id: ID,
    name: "web",
    drift: "report" as const,
    generator_id: ID,
    state: "present" as const,
    deployment_object: {
      id: ID,
      sequence_id: 3,
      checksum: "a".repeat(64),
      size_bytes: 1,
      submitted_at: "2026-01-01T00:00:00Z",
    },
  }],
};

Deno.test("a copy is read as it was written: the stacks as they were, and no approval", () => {
  const copy = readKeptText(keptText(keptCopy(ID, SNAPSHOT, undefined), OWNER), OWNER);

  assert.ok(typeof copy !== "string", "it can be read");
  const { prune_approved: _, approved_stacks: __, ...rest } = SNAPSHOT;
  assert.deepEqual([copy.agentId, snapshotOf(copy)], [ID, { ...rest, prune_approved: null }]);
});

Deno.test("a copy says why nothing was to be written, and is paused where the broker said so", () => {
  const found = (["paused", "mismatch"] as const).map((standby) => {
    const copy = readKeptText(keptText(keptCopy(ID, SNAPSHOT, standby), OWNER), OWNER);
    assert.ok(typeof copy !== "string", "it can be read");
    return [copy.standby, snapshotOf(copy).paused];
  });

  assert.deepEqual(found, [["paused", true], ["mismatch", false]]);
});

Deno.test("readKeptText() uses nothing of another agent's copy, nor of what is spoilt or of another shape", () => {
  const text = keptText(keptCopy(ID, SNAPSHOT, undefined), OWNER);
  const spoilt = [text.slice(0, -9), "", text.replace('"shape":1', '"shape":2'), text.replace('"present"', '"gone"')];

  const other = readKeptText(text, { ...OWNER, clusterName: "test" });

  assert.equal(other, 'it is of agent "edge" in cluster "prod"');
  assert.deepEqual(
    [...new Set(spoilt.map((one) => readKeptText(one, OWNER)))],
    ["it is spoilt, or of another version"],
  );
});

Deno.test("keyDigest() stands for one key, and is no part of the hash that the broker has of it", () => {
  const digests = ["brokkr_BRa_b", "brokkr_BRa_c"].map(keyDigest);

  assert.match(digests[0] ?? "", /^[0-9a-f]{16}$/);
  assert.notEqual(digests[0], digests[1]);
  assert.equal(sha256HexSync("brokkr_BRa_b").includes(digests[0] ?? ""), false);
});

Deno.test("keptKey() is 16 digits of the SHA-256 of both names", () => {
  assert.equal(keptKey(OWNER), "79b3e5ef217b265b");
});
