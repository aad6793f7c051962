import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { PARSING_LIMITS } from "$lib/bundle.ts";
import type { LogFields } from "$lib/log.ts";
import { silentLog } from "../../tests/fakes/silent_log.ts";
import { BundleParser } from "./bundle_parser.ts";

const CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";
/** Too long to be parsed in place, and parsed at once. */
const LONG = `${CONFIG_MAP}# ${"x".repeat(5_000)}\n`;
/** Takes longer to parse than it takes to stop. */
const SLOW = `${CONFIG_MAP}data:\n${Array.from({ length: 250_000 }, (_, n) => `  k${n}: v\n`).join("")}`;
/** A worker that ends when it is told anything, as one does that has no more memory. */
const ENDING = `
  const { parentPort } = require("node:worker_threads");
  parentPort.on("message", () => process.exit(7));
`;
/** A worker that never answers some, as if they took for ever. */
const HANGING = `
  const { parentPort } = require("node:worker_threads");
  const fine = { hasManifests: true, faults: [], furtherFaults: 0 };
  parentPort.on("message", (text) => text.includes("&anchor") || parentPort.postMessage(fine));
`;
const ANCHORS = `${LONG}data: &anchor\n`;
const FINE = { hasManifests: true, faults: [], furtherFaults: 0 };

/** A parser that is stopped when it is let go. */
function openParser(startWorker?: () => Worker): OpenParser {
  const errors: LogFields[] = [];
  const log = { ...silentLog(), error: (_message: string, fields: LogFields = {}) => errors.push(fields) };
  const parser = new BundleParser({ log, startWorker });
  return { parser, errors, [Symbol.asyncDispose]: () => parser.stop() };
}

interface OpenParser extends AsyncDisposable {
  readonly parser: BundleParser;
  /** What the log was told of errors. */
  readonly errors: readonly LogFields[];
}

Deno.test("BundleParser judges bundles long and short, and names faults", async () => {
  await using open = openParser();

  const verdicts = await Promise.all(
    [CONFIG_MAP, LONG, `${LONG}---\nkind: Pod\n`].map((it) => open.parser.parse(it, "a")),
  );

  assert.deepEqual(verdicts.slice(0, 2), [FINE, FINE]);
  assert.deepEqual(verdicts[2]?.faults.map(({ document, line }) => [document, line]), [[2, 7], [2, 7]]);
});

Deno.test("BundleParser says so when the heap of a worker is full, and goes on with another", async () => {
  const sizes = [32];
  await using open = openParser(() => {
    const { maxOldGenerationSizeMb } = PARSING_LIMITS;
    const resourceLimits = { ...PARSING_LIMITS, maxOldGenerationSizeMb: sizes.shift() ?? maxOldGenerationSizeMb };
    return new Worker(new URL("./bundle_worker.ts", import.meta.url), { resourceLimits });
  });

  await assert.rejects(open.parser.parse(SLOW, "a"), { code: "unavailable" });

  assert.deepEqual(await open.parser.parse(LONG, "a"), FINE);
  assert.deepEqual(open.errors.length, 1);
});

Deno.test("BundleParser leaves its thread free while it parses", async () => {
  await using open = openParser();
  let isParsed = false;
  const parsed = open.parser.parse(LONG, "a").then(() => isParsed = true);

  await setImmediate();

  assert.equal(isParsed, false);
  await parsed;
});

Deno.test("BundleParser parses small bundles while a large one takes its time", async () => {
  await using open = openParser(() => new Worker(HANGING, { eval: true }));
  const slow = assert.rejects(open.parser.parse(ANCHORS, "a"), { code: "unavailable" });

  assert.deepEqual(await open.parser.parse(CONFIG_MAP, "a"), FINE);
  await open.parser.stop();
  await slow;
});

Deno.test("BundleParser parses others' large bundles while those of one caller do not end", async () => {
  await using open = openParser(() => new Worker(HANGING, { eval: true }));
  const stuck = [1, 2, 3].map(() => assert.rejects(open.parser.parse(ANCHORS, "a"), { code: "unavailable" }));

  for (const caller of ["b", "c", "b"]) assert.deepEqual(await open.parser.parse(LONG, caller), FINE);

  await open.parser.stop();
  await Promise.all(stuck);
});

Deno.test("BundleParser says so when its worker ends by itself, and takes the next bundle with another one", async () => {
  const workers = [
    () => new Worker(ENDING, { eval: true }),
    () => new Worker(new URL("./bundle_worker.ts", import.meta.url)),
  ];
  await using open = openParser(() => (workers.shift() ?? assert.fail("no third worker is wanted"))());

  await assert.rejects(open.parser.parse(LONG, "a"), { code: "unavailable" });

  assert.equal(open.errors.length, 1);
  assert.deepEqual(await open.parser.parse(LONG, "a"), FINE);
  assert.deepEqual(await open.parser.parse(LONG, "a"), FINE);
});

Deno.test("BundleParser takes the next bundle with another worker when one has ended while it had nothing to do", async () => {
  let worker: Worker | undefined;
  await using open = openParser(() => worker = new Worker(new URL("./bundle_worker.ts", import.meta.url)));
  await open.parser.parse(LONG, "a");
  await worker?.terminate();

  assert.deepEqual(await open.parser.parse(LONG, "a"), FINE);
  assert.equal(open.errors.length, 1);
});

Deno.test("BundleParser refuses a bundle when too much waits already, and takes others once that is done", async () => {
  await using open = openParser();
  const large = `${CONFIG_MAP}# ${"x".repeat(8 * 1024 * 1024)}\n`;
  const waiting = [large, large].map((text) => open.parser.parse(text, "a"));

  await assert.rejects(open.parser.parse(LONG, "a"), { code: "too_many_requests" });
  assert.deepEqual(await open.parser.parse(LONG, "b"), FINE);
  assert.deepEqual(await open.parser.parse(CONFIG_MAP, "a"), FINE);
  assert.deepEqual(await Promise.all(waiting), [FINE, FINE]);
  assert.deepEqual(await open.parser.parse(LONG, "a"), FINE);
});

Deno.test("BundleParser, stopped, refuses what is in hand and what comes", async () => {
  await using open = openParser();
  const refused = [SLOW, LONG].map((text) => assert.rejects(open.parser.parse(text, "a"), { code: "unavailable" }));

  await open.parser.stop();

  await Promise.all(refused);
  await assert.rejects(open.parser.parse(LONG, "a"), { code: "unavailable" });
});
