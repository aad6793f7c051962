import assert from "node:assert/strict";
import project from "../../deno.json" with { type: "json" };
import { pageOf } from "./documents/page.ts";

const DECISION = "docs/decisions/0002-npm-in-place-of-jsr.md";

Deno.test("repository: every package has a line that says what for, and no other has one", async () => {
  const text = await Deno.readTextFile(new URL(`../../${DECISION}`, import.meta.url));
  const rows = text.split("\n").filter((line) => line.startsWith("- `")).map((line) => line.split(": ")[0] ?? "");
  const named = rows.flatMap((cell) => pageOf(DECISION, cell).literals.map((literal) => literal.text));

  const pinned = Object.keys(project.imports).filter((name) => !name.startsWith("$"));

  assert.deepEqual(named.sort(), pinned.sort());
});

Deno.test("repository: every package is pinned to one version of npm's", () => {
  const loose = Object.entries(project.imports).filter(([name, target]) =>
    !name.startsWith("$") && !/^npm:@?[^@]+@\d+\.\d+\.\d+$/.test(target)
  );

  assert.deepEqual(loose, []);
});
