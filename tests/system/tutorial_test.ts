import assert from "node:assert/strict";
import { testWith } from "../run/parts.ts";
import { Reader } from "../tutorial/reader.ts";
import { stepsOf } from "../tutorial/script.ts";

const PAGE = new URL("../../docs/content/tutorials/first-delivery.md", import.meta.url);

testWith(["nodes", "prometheus", "helm"], "the tutorial works, word for word", async () => {
  const steps = stepsOf(await Deno.readTextFile(PAGE));
  assert.ok(steps.length > 15, "the page must have its steps");
  await using reader = new Reader({});

  for (const step of steps) await reader.follow(step);
});
