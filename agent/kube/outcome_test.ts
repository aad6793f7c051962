import assert from "node:assert/strict";
import type { ReportReason } from "$lib/wire/event.ts";
import { boundedMessage, failed, MESSAGE_MAX_BYTES, outcomeOf } from "./outcome.ts";

const UNCHANGED = { kind: "ConfigMap", name: "a", action: "unchanged" } as const;
const CREATED = { kind: "ConfigMap", name: "b", action: "created" } as const;

Deno.test("outcomeOf() is unchanged only when nothing was written", () => {
  const still = outcomeOf({ results: [UNCHANGED] });
  const written = outcomeOf({ results: [UNCHANGED, CREATED] });

  assert.deepEqual([still.result, still.message], ["unchanged", "1 unchanged"]);
  assert.equal(written.result, "applied");
});

Deno.test("outcomeOf() takes a removal that found nothing for done", () => {
  assert.equal(outcomeOf({ results: [], isRemoval: true }).result, "applied");
});

Deno.test("outcomeOf() is blocked by what waits for others or for a person, and failed by the rest", () => {
  const resultFor = (reason: ReportReason) => outcomeOf({ results: [CREATED], reason }).result;

  const blocked = ["namespace_not_empty", "going", "waiting", "wanted_elsewhere", "prune_held"] as const;
  assert.deepEqual(blocked.map(resultFor), blocked.map(() => "blocked"));
  const broken = ["refused", "apply_failed", "prune_failed", "list_failed"] as const;
  assert.deepEqual(broken.map(resultFor), broken.map(() => "failed"));
});

Deno.test("outcomeOf() says each failure once, with its object, after the counts", () => {
  const result = { kind: "ConfigMap", namespace: "n", name: "c", action: "failed", error: "no" } as const;

  const { message } = outcomeOf({ results: [CREATED, result], reason: "apply_failed", lines: ["and more"] });

  assert.equal(message, '1 created, 1 failed\nConfigMap "c" in namespace "n": no\nand more');
});

Deno.test("outcomeOf() says that there was nothing to do only where it says nothing else", () => {
  const blocked = outcomeOf({ results: [], reason: "namespace_not_empty", lines: ['Namespace "a" holds Pod "b"'] });

  assert.equal(blocked.message, 'Namespace "a" holds Pod "b"');
  assert.equal(outcomeOf({ results: [], isRemoval: true }).message, "nothing to do");
});

Deno.test("failed() keeps its message within 4 KiB, and says that there is more", () => {
  const { message } = failed("invalid_bundle", Array.from({ length: 1000 }, (_, line) => `line ${line}: ümlaut`));

  assert.ok(new TextEncoder().encode(message).length <= 4096);
  assert.match(message, /^line 0: ümlaut\n[\s\S]*…$/);
});

Deno.test("boundedMessage() cuts at 4 KiB and never through a character", () => {
  const text = "é".repeat(MESSAGE_MAX_BYTES);

  const cut = boundedMessage(text);

  assert.ok(new TextEncoder().encode(cut).length <= MESSAGE_MAX_BYTES);
  assert.match(cut, /^é+…$/);
  assert.equal(boundedMessage("short"), "short");
});
