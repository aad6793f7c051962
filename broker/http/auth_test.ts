import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { mintPak } from "../domain/pak.ts";
import type { Caller } from "../domain/caller.ts";
import type { KnownKey, Store } from "../store/mod.ts";
import { Authenticator } from "./auth.ts";
import { clientAddressBehind } from "./client_address.ts";
import { KeyCache } from "./key_cache.ts";

interface Fixture {
  readonly clock: ManualClock;
  readonly keys: KeyCache;
  /** Who the key belongs to now; undefined when it is unknown. */
  known: KnownKey | undefined;
  /** How often the store was asked. */
  asked: number;
  /** Whose former keys were ended. */
  readonly ended: string[];
  /** Happens while the store's answer is on its way. */
  whenAsked: () => void;
  authenticate(): Promise<string>;
}

async function fixture(): Promise<Fixture> {
  const { pak, hash } = await mintPak();
  const clock = new ManualClock();
  const keys = new KeyCache({ clock, ttlMs: 60_000 });
  const authenticator = new Authenticator({ clock, keys, clientAddress: clientAddressBehind([]) });
  const request = new Request("http://broker/", { headers: { authorization: pak } });
  const made: Fixture = {
    clock,
    keys,
    known: { caller: { role: "agent", id: "a1" }, pakHash: hash, isActive: true },
    asked: 0,
    ended: [],
    whenAsked: () => {},
    async authenticate() {
      const find = () => {
        made.asked += 1;
        made.whenAsked();
        return Promise.resolve(made.known);
      };
      const endFormer = ({ id }: Caller) => Promise.resolve(void made.ended.push(id));
      return (await authenticator.authenticate(request, { keys: { find, endFormer } } as unknown as Store)).id;
    },
  };
  return made;
}

Deno.test("authenticate() asks the store once in a cache time, while it hears of changes", async () => {
  const made = await fixture();
  made.keys.heard(Infinity);

  await made.authenticate();
  await made.authenticate();
  assert.equal(made.asked, 1);

  await made.clock.advance(60_000);
  await made.authenticate();
  assert.equal(made.asked, 2);
});

Deno.test("authenticate() asks every time until changes are heard of", async () => {
  const made = await fixture();

  await made.authenticate();
  await made.authenticate();

  assert.equal(made.asked, 2);
});

Deno.test("authenticate() uses what it keeps for a second after the newest notice that it heard of was sent", async () => {
  const made = await fixture();
  const heardNow = () => made.keys.heard(made.clock.monotonic());
  heardNow();
  await made.authenticate();

  await made.clock.advance(999);
  await made.authenticate();
  assert.equal(made.asked, 1);
  await made.clock.advance(1);
  await made.authenticate();
  assert.equal(made.asked, 2);
  heardNow();
  await made.authenticate();
  assert.equal(made.asked, 2);
});

Deno.test("authenticate() forgets everything when changes may have been missed", async () => {
  const made = await fixture();
  made.keys.heard(Infinity);
  await made.authenticate();

  made.keys.missed();
  made.keys.heard(Infinity);
  made.known = undefined;

  await assert.rejects(made.authenticate(), { code: "unauthorized" });
});

Deno.test("forget() forgets the keys that it is told of, and all where none is named", async () => {
  const made = await fixture();
  made.keys.heard(Infinity);
  await made.authenticate();

  for (
    const [pakHashes, asked] of [[["0".repeat(64)], 1], [[], 1], [[made.known?.pakHash ?? ""], 2], [
      undefined,
      3,
    ]] as const
  ) {
    made.keys.forget({ pakHashes });
    await made.authenticate();
    assert.equal(made.asked, asked);
  }
});

Deno.test("authenticate() keeps a former key no longer than it lasts, and ends it when the new one is used", async () => {
  const made = await fixture();
  made.keys.heard(Infinity);
  made.known = made.known && { ...made.known, endsInMs: 5_000, hasFormer: true };

  await made.authenticate();
  await made.authenticate();
  assert.deepEqual([made.asked, made.ended], [1, ["a1"]]);

  await made.clock.advance(5_000);
  await made.authenticate();
  assert.equal(made.asked, 2);
});

Deno.test("authenticate() refuses a rotated key as soon as the change is heard", async () => {
  const made = await fixture();
  made.keys.heard(Infinity);
  await made.authenticate();

  made.known = undefined;
  made.keys.forget({});

  await assert.rejects(made.authenticate(), { code: "unauthorized" });
});

Deno.test("authenticate() keeps no answer that was on its way when a key changed", async () => {
  const made = await fixture();
  made.keys.heard(Infinity);

  made.whenAsked = () => made.keys.forget({});
  await made.authenticate();
  made.known = undefined;

  await assert.rejects(made.authenticate(), { code: "unauthorized" });
});

Deno.test("authenticate() refuses an answer with another hash than the key's", async () => {
  const made = await fixture();
  made.known = { caller: { role: "admin", id: "x" }, pakHash: "0".repeat(64), isActive: true };

  await assert.rejects(made.authenticate(), { code: "unauthorized" });
});

Deno.test("authenticate() remembers for 10 s that nobody has a key, unless keys change", async () => {
  const made = await fixture();
  made.keys.heard(Infinity);
  made.known = undefined;
  const refused = () => assert.rejects(made.authenticate(), { code: "unauthorized" });

  await refused();
  await refused();
  assert.equal(made.asked, 1);
  made.keys.forget({});
  await refused();
  assert.equal(made.asked, 2);
  await made.clock.advance(10_000);
  await refused();
  assert.equal(made.asked, 3);
});

/** An authenticator whose store knows one key, and tells how many look-ups are under way, and of whom. */
async function crowd({ proxies = [] }: { readonly proxies?: readonly string[] } = {}) {
  const good = await mintPak();
  const clock = new ManualClock();
  const delayed: number[] = [];
  const keys = new KeyCache({ clock, ttlMs: 60_000 });
  const authenticator = new Authenticator({
    ...{ clock, keys, clientAddress: clientAddressBehind(proxies) },
    onDelayed: () => delayed.push(clock.monotonic()),
  });
  keys.heard(Infinity);
  const looked = { now: 0, most: 0, all: 0 };
  const find = async (hash: string): Promise<KnownKey | undefined> => {
    looked.all += 1;
    looked.most = Math.max(looked.most, ++looked.now);
    await setImmediate();
    looked.now -= 1;
    const isGood = hash === good.hash;
    return isGood ? { caller: { role: "agent", id: "a1" }, pakHash: hash, isActive: true } : undefined;
  };
  const ask = async (pak: string, { from = "10.0.0.1", forwarded = "" } = {}) => {
    const headers = { authorization: pak, "x-forwarded-for": forwarded };
    const request = new Request("http://broker/", { headers });
    const store = { keys: { find } } as unknown as Store;
    return await authenticator.authenticate(request, store, () => from).then(({ id }) => id, ({ code }) => code);
  };
  const guess = async (where = {}) => await ask((await mintPak()).pak, where);
  return { ask, guess, good: good.pak, clock, looked, delayed };
}

Deno.test("authenticate() has the store look up all keys at once, however many there are, and answers each", async () => {
  const { ask, good, looked } = await crowd();
  const guesses = await Promise.all(Array.from({ length: 50 }, mintPak));

  const strangers = guesses.map(({ pak }, n) => ask(pak, { from: `10.0.1.${n}` }));
  const known = ask(good);

  assert.deepEqual(new Set(await Promise.all(strangers)), new Set(["unauthorized"]));
  assert.equal(await known, "a1");
  assert.deepEqual([looked.all, looked.most], [51, 51]);
});

/** Counts how many are under way. */
function underWay() {
  const seen = { now: 0, most: 0, all: 0 };
  const pass = async <T>(result: T): Promise<T> => {
    seen.all += 1;
    seen.most = Math.max(seen.most, ++seen.now);
    await setImmediate();
    seen.now -= 1;
    return result;
  };
  return { seen, pass };
}

Deno.test("recognise() and what authenticate() notes of owners take four connections at once, however many ask", async () => {
  const clock = new ManualClock();
  const keys = new KeyCache({ clock, ttlMs: 60_000 });
  const authenticator = new Authenticator({ clock, keys, clientAddress: clientAddressBehind([]) });
  const [sessions, marks, ends] = [underWay(), underWay(), underWay()];
  const find = (pakHash: string): Promise<KnownKey> =>
    Promise.resolve({ caller: { role: "generator", id: pakHash }, pakHash, isActive: true, hasFormer: true });
  const store = {
    keys: { find, endFormer: () => ends.pass(undefined) },
    generators: { markActive: () => marks.pass(undefined) },
  } as unknown as Store;
  const request = new Request("http://broker/");

  await Promise.all(Array.from({ length: 20 }, async () => {
    const { hash } = await mintPak();
    const asking = { request, store, connectionFrom: () => "" };
    await authenticator.recognise(asking, () => sessions.pass(hash));
  }));

  assert.deepEqual([sessions, marks, ends].map(({ seen }) => [seen.all, seen.most <= 4]), [
    ...[[20, true], [20, true], [20, true]],
  ]);
});

Deno.test("authenticate() delays what is not cached where an address failed too often, and refuses nobody for that", async () => {
  const { ask, guess, good, clock, looked, delayed } = await crowd();
  for (let n = 0; n < 10; n += 1) await guess();
  assert.deepEqual([looked.all, delayed], [10, []]);

  const late = [guess(), ask(good)];
  while (delayed.length < late.length) await setImmediate();
  await clock.advance(999);
  assert.deepEqual([looked.all, delayed], [10, [0, 0]]);
  await clock.advance(1);

  assert.deepEqual(await Promise.all(late), ["unauthorized", "a1"]);
});

Deno.test("authenticate() lets those with cached keys in at once, however often their address has failed", async () => {
  const { ask, guess, good, looked, delayed } = await crowd();
  await ask(good);
  for (let n = 0; n < 10; n += 1) await guess();

  assert.equal(await ask(good), "a1");
  assert.deepEqual([looked.all, delayed], [11, []]);
});

Deno.test("authenticate() charges an address alone, and forgives it one failure a second", async () => {
  const { guess, clock, delayed } = await crowd();
  for (let n = 0; n < 10; n += 1) await guess();

  await guess({ from: "10.0.0.2" });
  await clock.advance(1_000);
  await guess();
  assert.deepEqual(delayed, []);
  const late = guess();
  while (delayed.length === 0) await setImmediate();
  await clock.advance(1_000);
  await late;
  assert.equal(delayed.length, 1);
});

Deno.test("authenticate() charges whoever is behind a trusted proxy, and not the proxy", async () => {
  const { guess, delayed } = await crowd({ proxies: ["10.0.0.1"] });

  for (let n = 0; n < 20; n += 1) await guess({ forwarded: `1.1.1.${n}` });
  assert.deepEqual(delayed, []);
});

Deno.test("authenticate() finds out the address of a failure once, and of a known key never", async () => {
  const { pak, hash } = await mintPak();
  const clock = new ManualClock();
  const keys = new KeyCache({ clock, ttlMs: 60_000 });
  keys.heard(Infinity);
  let [found, known]: [number, KnownKey | undefined] = [0, undefined];
  const clientAddress = () => `10.0.0.${++found}`;
  const authenticator = new Authenticator({ clock, keys, clientAddress });
  const request = (authorization: string) => new Request("http://broker/", { headers: { authorization } });
  const store = { keys: { find: () => Promise.resolve(known) } } as unknown as Store;

  await assert.rejects(authenticator.authenticate(request((await mintPak()).pak), store));
  known = { caller: { role: "agent", id: "a1" }, pakHash: hash, isActive: true };
  await authenticator.authenticate(request(pak), store);
  await authenticator.authenticate(request(pak), store);

  assert.equal(found, 2);
});
