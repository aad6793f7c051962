import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { ManualClock } from "../tests/fakes/manual_clock.ts";
import { silentLog } from "../tests/fakes/silent_log.ts";
import { BundleParser } from "./bundle_parser.ts";

const CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
/** Too long to be parsed in place, and parsed at once. */
const LONG = `${CONFIG_MAP}# ${"x".repeat(5_000)}\n`;
/** Takes seconds to parse. */
const SLOW = "[".repeat(1_000_000);
const FINE = { hasManifests: true, faults: [], furtherFaults: 0 };

/** A parser that is stopped, and has left no timer, when it is let go. */
function openParser(clock = new ManualClock()): { readonly parser: BundleParser } & AsyncDisposable {
  const parser = new BundleParser({ clock, log: silentLog() });
  return {
    parser,
    async [Symbol.asyncDispose]() {
      await parser.stop();
      await clock.settle();
      assert.equal(clock.pending, 0);
    },
  };
}

Deno.test("BundleParser judges bundles long and short, and names faults", async () => {
  await using open = openParser();

  const verdicts = await Promise.all([CONFIG_MAP, LONG, `${LONG}---\nkind: Pod\n`].map((it) => open.parser.parse(it)));

  assert.deepEqual(verdicts.slice(0, 2), [FINE, FINE]);
  assert.deepEqual(verdicts[2]?.faults.map(({ document, line }) => [document, line]), [[2, 7], [2, 7]]);
});

Deno.test("BundleParser leaves its thread free while it parses", async () => {
  await using open = openParser();
  let isParsed = false;
  const parsed = open.parser.parse(LONG).then(() => isParsed = true);

  await setImmediate();

  assert.equal(isParsed, false);
  await parsed;
});

Deno.test("BundleParser parses small bundles while a large one takes its time", async () => {
  await using open = openParser();
  const slow = assert.rejects(open.parser.parse(SLOW), { code: "unavailable" });

  assert.deepEqual(await open.parser.parse(CONFIG_MAP), FINE);
  await open.parser.stop();
  await slow;
});

Deno.test("BundleParser refuses what takes longer than ten seconds, and goes on with the next", async () => {
  const clock = new ManualClock();
  await using open = openParser(clock);
  const slow = assert.rejects(open.parser.parse(SLOW), {
    code: "invalid_deployment_object",
    message: "Cannot accept the deployment object: it takes too long to parse",
  });
  const next = open.parser.parse(LONG);

  await clock.advance(10_000);

  await slow;
  assert.deepEqual(await next, FINE);
});

Deno.test("BundleParser lets nobody wait for more than twenty seconds before his turn", async () => {
  const clock = new ManualClock();
  await using open = openParser(clock);
  const slow = [SLOW, SLOW, SLOW].map((text) => open.parser.parse(text).catch(({ code }) => code));
  const last = assert.rejects(open.parser.parse(LONG), { code: "unavailable" });

  for (let turn = 0; turn < 3; turn += 1) {
    await clock.settle();
    await clock.advance(10_000);
    await slow[turn];
  }

  assert.deepEqual(await Promise.all(slow), Array(3).fill("invalid_deployment_object"));
  await last;
});

Deno.test("BundleParser refuses a bundle when too much waits already, and takes others once that is done", async () => {
  await using open = openParser();
  const large = `${CONFIG_MAP}# ${"x".repeat(16 * 1024 * 1024)}\n`;
  const waiting = [large, large].map((text) => open.parser.parse(text));

  await assert.rejects(open.parser.parse(LONG), { code: "too_many_requests" });
  assert.deepEqual(await open.parser.parse(CONFIG_MAP), FINE);
  assert.deepEqual(await Promise.all(waiting), [FINE, FINE]);
  assert.deepEqual(await open.parser.parse(LONG), FINE);
});

Deno.test("BundleParser, stopped, refuses what is in hand and what comes", async () => {
  await using open = openParser();
  const refused = [SLOW, LONG].map((text) => assert.rejects(open.parser.parse(text), { code: "unavailable" }));

  await open.parser.stop();

  await Promise.all(refused);
  await assert.rejects(open.parser.parse(LONG), { code: "unavailable" });
});
