import assert from "node:assert/strict";
import { InOrder } from "./in_order.ts";

Deno.test("InOrder runs work with the same key one after the other, whatever it comes to, and other work beside it", async () => {
  const order = new InOrder();
  const log: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const work = (name: string) => async () => {
    log.push(`${name} begins`);
    ends.set(name, Promise.withResolvers());
    await ends.get(name)?.promise;
    log.push(`${name} ends`);
    return name;
  };
  const settled = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

  const all = Promise.allSettled([
    order.run("a", work("first")),
    order.run("a", work("second")),
    order.run("b", work("other")),
  ]);
  await settled();
  ends.get("other")?.resolve();
  await settled();
  ends.get("first")?.reject(new Error("it failed"));
  await settled();
  ends.get("second")?.resolve();
  const outcomes = await all;

  assert.deepEqual(log, ["first begins", "other begins", "other ends", "second begins", "second ends"]);
  assert.deepEqual(outcomes.map(({ status }) => status), ["rejected", "fulfilled", "fulfilled"]);
});
