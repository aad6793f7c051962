import assert from "node:assert/strict";
import { loadPatternChecker } from "../pattern_checker/checker.ts";
import { testWith } from "../run/parts.ts";
import { patternViolations } from "./patterns.ts";
import { allSources, report, sourceOf } from "./source.ts";

testWith("pattern checker", "repository: matching any pattern takes time linear in the text", async () => {
  const sources = await allSources();

  assert.equal(report(sources.flatMap(patternViolations(loadPatternChecker()))), "");
});

const REFUSED = [
  "/(a+)+$/", // exponential
  "/\\/+$/", // from each slash of a run to its end
  "/!<[^>]*>/", // from each beginning to the text's end
  "/([a-z]+:\\/\\/[^:]*):[^ ]*@/", // how keys and passwords were once masked
  "/(?:\\s|#[^\\n]*)*:/y", // each sign of a comment may begin another
  "new RegExp(`${a}|b`)",
  'RegExp("a")',
];

for (const pattern of REFUSED) {
  testWith("pattern checker", `patternViolations() refuses ${pattern}`, () => {
    const find = patternViolations(loadPatternChecker());

    assert.equal(find(sourceOf("lib/x.ts", `const PATTERN = ${pattern};`)).length, 1);
  });
}

testWith("pattern checker", "patternViolations() takes what is linear, a copy of a pattern, and any in a test", () => {
  const find = patternViolations(loadPatternChecker());
  const taken = ["/^a+$/", "/^[a-z]{1,64}$/", "new RegExp(PATTERN)"].map((text) => `f(${text});`).join("\n");

  assert.deepEqual(find(sourceOf("lib/x.ts", taken)), []);
  assert.deepEqual(find(sourceOf("lib/x_test.ts", "/(a+)+$/")), []);
});
