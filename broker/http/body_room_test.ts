import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { apiOver } from "../../tests/fakes/api_world.ts";
import type { Store } from "../store/mod.ts";
import { ALWAYS_ADMIN } from "./auth.ts";
import { BodyRoom } from "./body_room.ts";

const MIB = 1024 * 1024;

/** Room, and who came in, in order. */
function start() {
  const room = new BodyRoom();
  const inside: string[] = [];
  const enter = (name: string, mib: number, signal = new AbortController().signal) => {
    const place = room.enter(name.slice(0, 1), mib * MIB, signal);
    place.then(() => inside.push(name), () => inside.push(`${name} left`));
    return place;
  };
  return { enter, inside };
}

Deno.test("BodyRoom has a caller's bodies wait for that caller's own, and for nobody else's", async () => {
  const { enter, inside } = start();

  const first = enter("a1", 8);
  for (const name of ["a2", "a3", "a4"]) enter(name, 8);
  enter("b1", 8);
  await setImmediate();
  const before = [...inside];
  (await first)[Symbol.dispose]();
  await setImmediate();

  assert.deepEqual([before, inside], [["a1", "a2", "b1"], ["a1", "a2", "b1", "a3"]]);
});

Deno.test("BodyRoom is so large for all together, and passes over nobody for being large", async () => {
  const { enter, inside } = start();

  const first = enter("a", 16);
  for (const name of ["b", "c", "d"]) enter(name, 15);
  enter("e", 8);
  enter("f", 1);
  await setImmediate();
  const before = [...inside];
  (await first)[Symbol.dispose]();
  await setImmediate();

  assert.deepEqual([before, inside], [["a", "b", "c", "d"], ["a", "b", "c", "d", "e", "f"]]);
});

Deno.test("BodyRoom takes what is larger than all of it where there is nothing else", async () => {
  const { enter, inside } = start();

  const [large] = [enter("a1", 900), enter("a2", 900), enter("b", 1)];
  await setImmediate();
  const before = [...inside];
  (await large)[Symbol.dispose]();
  await setImmediate();

  assert.deepEqual([before, inside], [["a1"], ["a1", "a2"]]);
});

Deno.test("BodyRoom forgets who has left while waiting, and lets those in who waited behind", async () => {
  const { enter, inside } = start();
  const leaving = new AbortController();

  enter("a", 16);
  for (const name of ["b", "c", "d"]) enter(name, 15);
  enter("e", 16, leaving.signal);
  enter("f", 3);
  await setImmediate();
  const before = [...inside];
  leaving.abort();
  await setImmediate();

  assert.deepEqual([before, inside], [["a", "b", "c", "d"], ["a", "b", "c", "d", "f", "e left"].toSorted()]);
});

Deno.test("a large body has its caller's room from when it is read until it is answered, a small one needs none", async () => {
  const seen: string[] = [];
  const bodyRoom = new BodyRoom();
  const enter = bodyRoom.enter.bind(bodyRoom);
  bodyRoom.enter = async (owner, bytes, signal) => {
    seen.push(`${owner} enters`);
    const place = await enter(owner, bytes, signal);
    return { [Symbol.dispose]: () => (seen.push("leaves"), place[Symbol.dispose]()) };
  };
  const ask = apiOver({} as Store, { authenticator: ALWAYS_ADMIN, bodyRoom });
  const post = (length: number) =>
    ask({ method: "POST", path: "/api/v1/generators", body: { name: "x".repeat(length) } }).then(({ status }) => {
      seen.push(`answered ${status}`);
    });

  await post(1_000);
  await post(100_000);

  assert.deepEqual(seen, ["answered 422", "admin admin enters", "leaves", "answered 422"]);
});
