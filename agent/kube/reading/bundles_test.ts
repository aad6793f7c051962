import assert from "node:assert/strict";
import { Worker } from "node:worker_threads";
import { PARSING_LIMITS } from "$lib/bundle.ts";
import type { Clock } from "$lib/clock.ts";
import { ManualClock } from "../../../tests/fakes/manual_clock.ts";
import type { StepAside } from "../../plan/plan.ts";
import { type BundleCache, createBundleCache } from "./bundles.ts";
import type { PreparedBundle } from "./prepare.ts";

const YAML = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n";

function loading() {
  const loaded: string[] = [];
  return { loaded, load: (checksum: string, text = YAML) => () => (loaded.push(checksum), Promise.resolve(text)) };
}

const { signal } = new AbortController();

/** A bundle that nobody holds any more. */
async function get(cache: BundleCache, checksum: string, load: () => Promise<string>): Promise<PreparedBundle> {
  using held = await cache.take(checksum, { load, signal });
  return held.bundle;
}

Deno.test("createBundleCache() asks for a bundle's text once", async () => {
  const { loaded, load } = loading();
  const cache = createBundleCache(1000, { clock: new ManualClock() });

  const first = await get(cache, "one", load("one"));
  const again = await get(cache, "one", load("one"));

  assert.equal(first, again);
  assert.deepEqual(loaded, ["one"]);
});

Deno.test("createBundleCache() lets the longest unused go when there is no more room", async () => {
  const { loaded, load } = loading();
  const cache = createBundleCache(150, { clock: new ManualClock() });
  for (const checksum of ["a", "b", "a", "c"]) await get(cache, checksum, load(checksum));

  for (const checksum of ["a", "c", "b"]) await get(cache, checksum, load(checksum));

  assert.deepEqual(loaded, ["a", "b", "c", "b"]);
});

Deno.test("createBundleCache() keeps nothing of a text that could not be loaded", async () => {
  const { load } = loading();
  const cache = createBundleCache(1000, { clock: new ManualClock() });

  await assert.rejects(get(cache, "one", () => Promise.reject(new Error("broker is away"))));

  assert.equal((await get(cache, "one", load("one"))).manifests.length, 1);
});

Deno.test("createBundleCache() gives a manifest a checksum that its neighbours do not change", async () => {
  const { load } = loading();
  const cache = createBundleCache(1000, { clock: new ManualClock() });

  const alone = await get(cache, "one", load("one"));
  const together = await get(cache, "two", load("two", `${YAML}---\n${YAML.replace("name: a", "name: b")}`));

  assert.equal(alone.manifests[0]?.checksum, together.manifests[0]?.checksum);
  assert.notEqual(together.manifests[0]?.checksum, together.manifests[1]?.checksum);
});

Deno.test("createBundleCache() gives everybody else a turn while it parses a large bundle", async () => {
  const { load } = loading();
  const clock = slowClock();
  const large = Array.from({ length: 100 }, (_, index) => YAML.replace("name: a", `name: a${index}`)).join("---\n");

  const { manifests } = await get(createBundleCache(10_000, { clock }), "large", load("large", large));

  assert.equal(manifests.length, 100);
  assert.ok(clock.turns > 10, `${clock.turns} turns`);
});

Deno.test("createBundleCache() makes manifests normal before their checksum, and knows that of Brokkr 0.10.0", async () => {
  const { load } = loading();
  const cache = createBundleCache(1000, { clock: new ManualClock() });
  const printed = `${
    YAML.replace("}", ", uid: u, ownerReferences: [{uid: o}], annotations: {brokkr.io/prune: disabled}}")
  }status: {}\n`;

  const { manifests: [plain] } = await get(cache, "plain", load("plain"));
  const { manifests: [normal] } = await get(cache, "printed", load("printed", printed));

  const secret = `${YAML.replace("ConfigMap", "Secret")}stringData: {a: b}\n`;
  const { manifests: [written] } = await get(cache, "secret", load("secret", secret));

  assert.equal(plain?.checksum, plain?.legacyChecksum);
  assert.equal(written?.legacyChecksum, undefined);
  assert.deepEqual(normal?.object.metadata, { name: "a", annotations: { "brokkr.io/prune": "disabled" } });
  assert.deepEqual(normal?.policies, { prune: "disabled" });
  assert.match(normal?.warnings.join() ?? "", /^ConfigMap "a": metadata.ownerReferences is left out/);
  assert.notEqual(normal?.checksum, normal?.legacyChecksum);
});

Deno.test("createBundleCache() reads large bundles in a worker, one at a time, and what it says is the same", async () => {
  const { load } = loading();
  const started: number[] = [];
  let running = 0;
  const startWorker = () => {
    started.push(running += 1);
    const worker = new Worker(new URL("./bundle_worker.ts", import.meta.url));
    return worker.once("exit", () => running -= 1);
  };
  const cache = createBundleCache(10_000_000, { clock: new ManualClock(), startWorker });
  const large = (name: string) =>
    `apiVersion: v1\nkind: X\nmetadata: {name: ${name}}\nbig: 9007199254740993\ntext: "${"x".repeat(300_000)}"\n`;

  const [one, two] = await Promise.all(["a", "b"].map((name) => get(cache, name, load(name, large(name)))));
  const faulty = await get(cache, "c", load("c", `${large("c")}kind: Y\n`));

  assert.deepEqual(started, [1, 1, 1]);
  assert.match(JSON.stringify(one?.manifests[0]?.object), /"big":9007199254740993,/);
  assert.equal(two?.manifests[0]?.name, "b");
  assert.deepEqual(faulty, { manifests: [], faults: ["document 1, line 6: Map keys must be unique"] });
});

Deno.test("createBundleCache() fails when its worker ends by itself, and reads the next bundle", async () => {
  const { load } = loading();
  const ending = `require("node:worker_threads").parentPort.on("message", () => process.exit(7));`;
  const workers = [() => new Worker(ending, { eval: true })];
  const startWorker = () => workers.shift()?.() ?? new Worker(new URL("./bundle_worker.ts", import.meta.url));
  const cache = createBundleCache(10_000_000, { clock: new ManualClock(), startWorker });
  const large = `${YAML}data: {a: "${"x".repeat(300_000)}"}\n`;

  await assert.rejects(get(cache, "one", load("one", large)), { code: "unavailable" });

  assert.equal((await get(cache, "one", load("one", large))).manifests.length, 1);
});

/** As many lines as a bundle may have, each with a key of its own. */
function costly(): string {
  const keys = (from: number) => Array.from({ length: 295_000 }, (_, at) => `  k${(from + at).toString(36)}: "z"\n`);
  const documents = ["a", "b"].map((name, at) =>
    `${YAML.replace("name: a", `name: ${name}`)}data:\n${keys(at * 1e6).join("")}`
  );
  return documents.join("---\n");
}

/** A worker of ours with so many MiB. */
function workerOf(maxOldGenerationSizeMb: number): Worker {
  const resourceLimits = { ...PARSING_LIMITS, maxOldGenerationSizeMb };
  return new Worker(new URL("./bundle_worker.ts", import.meta.url), { resourceLimits });
}

Deno.test("createBundleCache() outlives a worker whose heap is full", async () => {
  const { load } = loading();
  const sizes = [32];
  const startWorker = () => workerOf(sizes.shift() ?? PARSING_LIMITS.maxOldGenerationSizeMb);
  const cache = createBundleCache(10_000_000, { clock: new ManualClock(), startWorker });

  await assert.rejects(get(cache, "one", load("one", costly())), { code: "unavailable" });

  const large = `${YAML}data: {a: "${"x".repeat(300_000)}"}\n`;
  assert.equal((await get(cache, "two", load("two", large))).manifests.length, 1);
});

Deno.test("createBundleCache() reads the costliest bundle there is with three quarters of what a worker may take", async () => {
  const { load } = loading();
  const startWorker = () => workerOf(PARSING_LIMITS.maxOldGenerationSizeMb * 3 / 4);
  const cache = createBundleCache(10_000_000, { clock: new ManualClock(), startWorker });

  const { manifests, faults } = await get(cache, "costly", load("costly", costly()));

  assert.deepEqual([manifests.length, faults], [2, []]);
});

Deno.test("createBundleCache() lets go of what it has no room for before it reads the next", async () => {
  const { loaded, load } = loading();
  const meanwhile: Promise<unknown>[] = [];
  const startWorker = () => {
    meanwhile.push(get(cache, "a", load("a")));
    return workerOf(PARSING_LIMITS.maxOldGenerationSizeMb);
  };
  const cache = createBundleCache(300_000, { clock: new ManualClock(), startWorker });
  await get(cache, "a", load("a"));

  await get(cache, "b", load("b", `${YAML}data: {a: "${"x".repeat(300_000)}"}\n`));
  await Promise.all(meanwhile);

  assert.deepEqual(loaded, ["a", "b", "a"]);
});

/** A text of few characters, each of which may be a list: what is read of it is as large as of the longest text. */
function dense(name: string, lists: number): string {
  return `${YAML.replace("name: a", `name: ${name}`)}x: [${"[],".repeat(lists)}]\n`;
}

Deno.test("createBundleCache() has large bundles wait until those that are held leave them room, and no small one", async () => {
  const { loaded, load } = loading();
  const cache = createBundleCache(6_000_000, { clock: new ManualClock() });
  const half = (name: string) => cache.take(name, { load: load(name, dense(name, 140_000)), signal });
  const ended: string[] = [];
  const first = await half("a");
  const stepAside: StepAside = (wait) => {
    ended.push("b steps aside");
    return wait();
  };
  const second = cache.take("b", { load: load("b", dense("b", 140_000)), stepAside, signal }).finally(() =>
    ended.push("b")
  );
  const third = half("c").finally(() => ended.push("c"));

  await get(cache, "small", load("small"));
  const whileHeld = [...ended];
  first[Symbol.dispose]();
  (await second)[Symbol.dispose]();
  (await third)[Symbol.dispose]();

  assert.deepEqual([whileHeld, ended], [["b steps aside"], ["b steps aside", "b", "c"]]);
  assert.deepEqual(loaded.toSorted(), ["a", "b", "b", "c", "c", "small"], "what waits keeps no text meanwhile");
});

Deno.test("createBundleCache() lets two large bundles be held at once that have room together", async () => {
  const { load } = loading();
  const cache = createBundleCache(6_000_000, { clock: new ManualClock() });
  const quarter = (name: string) => cache.take(name, { load: load(name, dense(name, 60_000)), signal });

  const held = [await quarter("a"), await quarter("b")];

  assert.deepEqual(held.map(({ bundle }) => bundle.manifests.length), [1, 1]);
});

Deno.test("createBundleCache() keeps no place for what could not be had, or was given up while it waited", async () => {
  const { load } = loading();
  const cache = createBundleCache(6_000_000, { clock: new ManualClock() });
  const text = dense("a", 140_000);
  const loads = [() => Promise.resolve(text), () => Promise.reject(new Error("broker is away"))];
  const giving = new AbortController();
  const held = await cache.take("a", { load: load("a", text), signal });
  const failing = cache.take("b", { load: () => (loads.shift() ?? load("b", text))(), signal });
  const given = cache.take("c", { load: load("c", text), signal: giving.signal });
  const last = cache.take("d", { load: load("d", text), signal });
  const [failed, left] = [assert.rejects(failing, /broker is away/), assert.rejects(given, /given up/)];

  giving.abort(new Error("given up"));
  await left;
  held[Symbol.dispose]();
  await failed;

  assert.equal((await last).bundle.manifests.length, 1);
});

/** Ten milliseconds pass whenever it is looked at; notes how often somebody stepped aside. */
function slowClock(): Clock & { readonly turns: number } {
  let [nowMs, turns] = [0, 0];
  return {
    now: () => nowMs,
    monotonic: () => nowMs += 10,
    after: () => () => {},
    sleep: (ms) => {
      assert.equal(ms, 0);
      turns += 1;
      return Promise.resolve();
    },
    get turns() {
      return turns;
    },
  };
}
