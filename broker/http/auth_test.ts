import assert from "node:assert/strict";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { mintPak } from "../domain/pak.ts";
import type { KnownKey, Store } from "../store/mod.ts";
import { Authenticator } from "./auth.ts";

interface Fixture {
  readonly clock: ManualClock;
  readonly authenticator: Authenticator;
  /** Who the key belongs to now; undefined when it is unknown. */
  known: KnownKey | undefined;
  /** How often the store was asked. */
  asked: number;
  /** Happens while the store's answer is on its way. */
  whenAsked: () => void;
  authenticate(): Promise<string>;
}

async function fixture(): Promise<Fixture> {
  const { pak, hash } = await mintPak();
  const clock = new ManualClock();
  const authenticator = new Authenticator({ clock, ttlMs: 60_000 });
  const request = new Request("http://broker/", { headers: { authorization: pak } });
  const made: Fixture = {
    clock,
    authenticator,
    known: { caller: { role: "agent", id: "a1" }, pakHash: hash, isActive: true },
    asked: 0,
    whenAsked: () => {},
    async authenticate() {
      const find = () => {
        made.asked += 1;
        made.whenAsked();
        return Promise.resolve(made.known);
      };
      return (await authenticator.authenticate(request, { keys: { find } } as unknown as Store)).id;
    },
  };
  return made;
}

Deno.test("authenticate() asks the store once in a cache time, while it hears of changes", async () => {
  const made = await fixture();
  made.authenticator.hear(true);

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

Deno.test("authenticate() forgets everything when it no longer hears of changes", async () => {
  const made = await fixture();
  made.authenticator.hear(true);
  await made.authenticate();

  made.authenticator.hear(false);
  made.known = undefined;

  await assert.rejects(made.authenticate(), { code: "unauthorized" });
});

Deno.test("authenticate() refuses a rotated key as soon as the change is heard", async () => {
  const made = await fixture();
  made.authenticator.hear(true);
  await made.authenticate();

  made.known = undefined;
  made.authenticator.forget();

  await assert.rejects(made.authenticate(), { code: "unauthorized" });
});

Deno.test("authenticate() keeps no answer that was on its way when a key changed", async () => {
  const made = await fixture();
  made.authenticator.hear(true);

  made.whenAsked = () => made.authenticator.forget();
  await made.authenticate();
  made.known = undefined;

  await assert.rejects(made.authenticate(), { code: "unauthorized" });
});

Deno.test("authenticate() refuses an answer with another hash than the key's", async () => {
  const made = await fixture();
  made.known = { caller: { role: "admin", id: "x" }, pakHash: "0".repeat(64), isActive: true };

  await assert.rejects(made.authenticate(), { code: "unauthorized" });
});

Deno.test("authenticate() never keeps an unknown key", async () => {
  const made = await fixture();
  made.authenticator.hear(true);
  const known = made.known;
  made.known = undefined;
  await assert.rejects(made.authenticate(), { code: "unauthorized" });

  made.known = known;

  assert.equal(await made.authenticate(), "a1");
});
