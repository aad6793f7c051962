import assert from "node:assert/strict";
import type { Clock } from "$lib/clock.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { createBundleCache } from "./bundles.ts";

const YAML = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n";

function loading() {
  const loaded: string[] = [];
  return { loaded, load: (checksum: string, text = YAML) => () => (loaded.push(checksum), Promise.resolve(text)) };
}

Deno.test("createBundleCache() asks for a bundle's text once", async () => {
  const { loaded, load } = loading();
  const cache = createBundleCache(1000, new ManualClock());

  const first = await cache.get("one", load("one"));
  const again = await cache.get("one", load("one"));

  assert.equal(first, again);
  assert.deepEqual(loaded, ["one"]);
});

Deno.test("createBundleCache() lets the longest unused go when there is no more room", async () => {
  const { loaded, load } = loading();
  const cache = createBundleCache(2 * YAML.length, new ManualClock());
  for (const checksum of ["a", "b", "a", "c"]) await cache.get(checksum, load(checksum));

  for (const checksum of ["a", "c", "b"]) await cache.get(checksum, load(checksum));

  assert.deepEqual(loaded, ["a", "b", "c", "b"]);
});

Deno.test("createBundleCache() keeps nothing of a text that could not be loaded", async () => {
  const { load } = loading();
  const cache = createBundleCache(1000, new ManualClock());

  await assert.rejects(cache.get("one", () => Promise.reject(new Error("broker is away"))));

  assert.equal((await cache.get("one", load("one"))).manifests.length, 1);
});

Deno.test("createBundleCache() gives a manifest a checksum that its neighbours do not change", async () => {
  const { load } = loading();
  const cache = createBundleCache(1000, new ManualClock());

  const alone = await cache.get("one", load("one"));
  const together = await cache.get("two", load("two", `${YAML}---\n${YAML.replace("name: a", "name: b")}`));

  assert.equal(alone.manifests[0]?.checksum, together.manifests[0]?.checksum);
  assert.notEqual(together.manifests[0]?.checksum, together.manifests[1]?.checksum);
});

Deno.test("createBundleCache() gives everybody else a turn while it parses a large bundle", async () => {
  const { load } = loading();
  const clock = slowClock();
  const large = Array.from({ length: 100 }, (_, index) => YAML.replace("name: a", `name: a${index}`)).join("---\n");

  const { manifests } = await createBundleCache(1000, clock).get("large", load("large", large));

  assert.equal(manifests.length, 100);
  assert.ok(clock.turns > 10, `${clock.turns} turns`);
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
