import assert from "node:assert/strict";
import { allEnded } from "./all_ended.ts";

Deno.test("allEnded() has some hundred under way at once, and answers in the order of what it was given", async () => {
  let underWay = 0;
  let most = 0;
  const items = Array.from({ length: 2_000 }, (_, index) => index);

  const ends = await allEnded(items, async (item) => {
    underWay += 1;
    most = Math.max(most, underWay);
    for (let turns = item % 7; turns >= 0; turns -= 1) await Promise.resolve();
    underWay -= 1;
    return item;
  });

  assert.deepEqual(ends, items);
  assert.equal(most, 256);
});

Deno.test("allEnded() waits for all, then rejects as the first in their order that did", async () => {
  const ended: number[] = [];
  const work = async (item: number) => {
    for (let turns = 10 * (5 - item); turns >= 0; turns -= 1) await Promise.resolve();
    ended.push(item);
    if (item === 1 || item === 3) throw new Error(`no ${item}`);
  };

  await assert.rejects(allEnded([0, 1, 2, 3, 4], work), /no 1/);

  assert.deepEqual(ended, [4, 3, 2, 1, 0]);
});
