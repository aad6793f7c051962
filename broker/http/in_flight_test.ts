import assert from "node:assert/strict";
import { apiOver, partsOfApp } from "../../tests/fakes/api_world.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { BoundExceeded } from "../domain/bounds.ts";
import type { Role } from "../domain/caller.ts";
import type { Store } from "../store/mod.ts";
import { createApp } from "./app.ts";
import { ALWAYS_ADMIN } from "./auth.ts";
import { InFlight } from "./in_flight.ts";
import { LongAnswers } from "./long_answers.ts";

const STACKS = "/api/v1/stacks";

/** An API for two requests at once, whose store answers when it is told. */
function fixture() {
  const answers = Array.from({ length: 4 }, () => Promise.withResolvers<unknown>());
  const asked = answers.map(({ promise }) => promise);
  const list = () => asked.shift() ?? assert.fail("nobody is to ask more often");
  const refused: string[] = [];
  const ask = apiOver({ stacks: { list } } as unknown as Store, {
    inFlight: new InFlight(2),
    authenticator: ALWAYS_ADMIN,
    bounded: { add: (_, { bound }) => refused.push(bound) },
  });
  return { ask, answers, refused, list: () => ask({ path: STACKS }) };
}

Deno.test("InFlight refuses what is beyond its limit at once, says when to come again, and counts it", async () => {
  const { list, answers, refused } = fixture();
  const inside = [list(), list()];

  const { status, headers, body } = await list();

  assert.deepEqual([status, headers.get("retry-after")], [503, "1"]);
  assert.deepEqual(body, {
    code: "unavailable",
    message: "Cannot answer now: 2 requests of others are in flight, 2 in all (broker.max_in_flight)",
  });
  assert.deepEqual(refused, ["in_flight"]);
  for (const { resolve } of answers) resolve({ items: [], next: undefined });
  assert.deepEqual((await Promise.all(inside)).map(({ status }) => status), [200, 200]);
});

Deno.test("InFlight gives a place to another once a request is answered, failed ones too", async () => {
  const { list, answers } = fixture();

  const first = [list(), list()];
  answers[0]?.resolve({ items: [], next: undefined });
  answers[1]?.reject(new Error("no"));
  await Promise.all(first);
  const second = [list(), list()];
  for (const { resolve } of answers) resolve({ items: [], next: undefined });

  assert.deepEqual((await Promise.all(second)).map(({ status }) => status), [200, 200]);
});

Deno.test("InFlight has nothing to do with documents, nor with requests that no endpoint answers", async () => {
  const { ask, list, answers } = fixture();
  const inside = [list(), list()];

  const others = [{ path: "/docs/openapi.json" }, { path: "/nothing" }, { path: STACKS, method: "PATCH" }];
  const statuses = await Promise.all(others.map(async (other) => (await ask(other)).status));

  assert.deepEqual(statuses, [200, 404, 405]);
  for (const { resolve } of answers) resolve({ items: [], next: undefined });
  await Promise.all(inside);
});

Deno.test("InFlight keeps places for those who submit, and for agents, however many the others are", () => {
  const inFlight = new InFlight(10);
  const fill = (role: Role) => {
    const places: Disposable[] = [];
    try {
      for (;;) places.push(inFlight.enter({ role, id: "one" }));
    } catch (error) {
      assert.ok(error instanceof BoundExceeded);
    }
    return places;
  };

  const agents = fill("agent");
  const generators = fill("generator");
  for (const place of agents) place[Symbol.dispose]();
  const admins = fill("admin");

  assert.deepEqual([agents.length, generators.length, admins.length, inFlight.count], [8, 2, 6, 8]);
  assert.equal(fill("agent").length, 2);
});

Deno.test("InFlight keeps places for others, whatever one key has under way", () => {
  const inFlight = new InFlight(1_000);
  const entered = (id: string) => {
    const places: Disposable[] = [];
    assert.throws(() => {
      for (;;) places.push(inFlight.enter({ role: "agent", id }));
    }, /^Failure: Cannot answer now: 250 requests of this agent are in flight \(broker.max_in_flight\)$/);
    return places;
  };

  const [first, second] = [entered("a"), entered("b")];
  for (const place of first) place[Symbol.dispose]();

  assert.deepEqual([first.length, second.length, inFlight.count, entered("a").length], [250, 250, 250, 250]);
});

Deno.test("InFlight has the place of a long answer taken until it is read, or until nobody has read it on", async () => {
  const clock = new ManualClock();
  const now = new Date(0);
  const stack = { id: "s", name: "x".repeat(20_000), generatorId: "g", drift: "off", createdAt: now, updatedAt: now };
  const store = { stacks: { list: () => Promise.resolve({ items: [stack] }) } } as unknown as Store;
  const inFlight = new InFlight(10);
  const app = createApp({
    ...partsOfApp(store),
    ...{ authenticator: ALWAYS_ADMIN, inFlight, longAnswers: new LongAnswers({ clock }) },
  });
  const ask = (method = "GET") =>
    app(new Request(`http://broker${STACKS}`, { method }), { endpoint: "unmatched", isHeld: false, startMs: 0 });

  const [read] = [await ask(), await ask(), await ask("HEAD")];
  const unread = inFlight.count;
  const { length } = await read.text();
  const afterOne = inFlight.count;
  await clock.advance(10_000);

  assert.ok(length > 20_000);
  assert.deepEqual([unread, afterOne, inFlight.count], [2, 1, 0]);
});
