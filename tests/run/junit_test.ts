import assert from "node:assert/strict";
import { countOf, isIgnored, readJunit, slowestFiles } from "./junit.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="5" failures="1" errors="0" time="0.066">
    <testsuite name="./a_test.ts" tests="5" disabled="2" errors="0" failures="1">
        <testcase name="adds" classname="./a_test.ts" time="0.001" line="1" col="6">
        </testcase>
        <testcase name="fails &lt;b&gt; &amp; &quot;q&quot;" classname="./a_test.ts" time="0.001" line="2" col="6">
            <failure message="Uncaught Error: no ]]&gt;">Error: no &lt;skipped/&gt;</failure>
        </testcase>
        <testcase name="is &quot;ignored&quot; &#x2014; it is" classname="./a_test.ts" time="0.000" line="3" col="6">
            <skipped/>
        </testcase>
        <testcase name="adds &gt; one step" classname="./a_test.ts" time="0.000" line="1" col="44">
        </testcase>
        <testcase name="adds &gt; one step &gt; deeper" classname="./a_test.ts" time="0.000" line="1" col="44">
            <skipped/>
        </testcase>
        <testcase name="5 &gt; 4" classname="./a_test.ts" time="0.000" line="1" col="44">
        </testcase>
    </testsuite>
    <testsuite name="./cases.ts" tests="2" disabled="1" errors="0" failures="0">
        <testcase name="adds &gt; a step that another file defines" classname="./cases.ts" time="9.000" line="1" col="60">
        </testcase>
        <testcase name="adds &gt; one that is ignored" classname="./cases.ts" time="0.000" line="1" col="60">
            <skipped/>
        </testcase>
    </testsuite>
</testsuites>`;

Deno.test("readJunit() names the tests that were skipped, and times none of their steps, whatever file defines them", () => {
  const { seconds, skipped } = readJunit(REPORT);

  assert.deepEqual(skipped, ['is "ignored" — it is']);
  assert.deepEqual([...seconds.keys()], ["./a_test.ts"]);
});

Deno.test("slowestFiles() names the files whose tests took longest together, the longest first", () => {
  const { seconds } = readJunit(REPORT);
  const all = new Map([...seconds, ["./b_test.ts", 12.34], ["./c_test.ts", 0.5]]);

  assert.deepEqual(slowestFiles(all, 2), ["  12.3 s ./b_test.ts", "   0.5 s ./c_test.ts"]);
  assert.equal(seconds.get("./a_test.ts")?.toFixed(3), "0.002");
});

Deno.test("readJunit() gives the time of a test to the file that has it, where another one registered it", () => {
  const { seconds } = readJunit(REPORT, new Map([["adds", "./b_test.ts"], ["5 > 4", "./b_test.ts"]]));

  assert.deepEqual([...seconds.keys()].sort(), ["./a_test.ts", "./b_test.ts"]);
  assert.equal(seconds.get("./b_test.ts"), 0.001);
});

Deno.test("countOf() counts tests and not their steps, whatever the colours", () => {
  const output = "x ... ok\n\n\x1b[31mFAILED\x1b[0m | 2 passed (1 step) | 3 failed (1 step) | 1 ignored (65ms)\n\n";

  assert.deepEqual([countOf("passed", output), countOf("failed", output), countOf("ignored", output)], [2, 3, 1]);
  assert.equal(countOf("failed", "error: Type checking failed."), 0);
});

Deno.test("isIgnored() tells an ignored test from a filtered one, a step and a longer name", () => {
  const output =
    "./a_test.ts => adds ... \x1b[33mignored\x1b[0m (0ms)\ntakes away ... ignored (0ms)\nx ... y ... ignored (0ms)\n";

  const ignored = ["adds", "takes away", "y", "away", "filtered"].filter((name) => isIgnored(name, output));

  assert.deepEqual(ignored, ["adds", "takes away"]);
});
