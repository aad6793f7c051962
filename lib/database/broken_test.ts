import assert from "node:assert/strict";
import { unlessBroken } from "./broken.ts";
import type { Statements } from "./driver.ts";

const BROKEN = Object.assign(new Error("gone"), { code: "CONNECTION_CLOSED" });
const REFUSED = Object.assign(new Error("no"), { code: "23505", severity: "ERROR" });

/** A driver's `begin` whose statements fail so; it hears how the work in it ended, and can lose its connection. */
function fakeBegin(error: Error) {
  const [ends, lost] = [[] as string[], Promise.withResolvers<never>()];
  const statements: Statements = { run: () => Promise.reject(error), command: () => Promise.resolve() };
  const begin = <T>(work: (tx: Statements) => Promise<T>): Promise<T> => {
    const worked = work(statements);
    worked.then(() => ends.push("commit"), () => ends.push("rollback"));
    return Promise.race([worked, lost.promise]);
  };
  return { begin, ends, lose: () => lost.reject(BROKEN) };
}

const failing = (tx: Statements) => tx.run([] as unknown as TemplateStringsArray, []);
const settled = () => new Promise((resolve) => setTimeout(resolve));

Deno.test("unlessBroken() rejects at once where a connection breaks, and to the driver the work goes on", async () => {
  for (const work of [failing, (tx: Statements) => failing(tx).catch(() => [])]) {
    const { begin, ends } = fakeBegin(BROKEN);

    await assert.rejects(unlessBroken(begin, work), BROKEN);

    await settled();
    assert.deepEqual(ends, []);
  }
});

Deno.test("unlessBroken() lets the driver hear of no work whose connection broke while no statement ran", async () => {
  const [{ begin, ends, lose }, work] = [fakeBegin(REFUSED), Promise.withResolvers<void>()];
  const ended = unlessBroken(begin, () => work.promise);

  lose();
  await assert.rejects(ended, BROKEN);
  work.resolve();

  await settled();
  assert.deepEqual(ends, []);
});

Deno.test("unlessBroken() leaves what the server refuses to the driver", async () => {
  const { begin, ends } = fakeBegin(REFUSED);

  await assert.rejects(unlessBroken(begin, failing), REFUSED);

  await settled();
  assert.deepEqual(ends, ["rollback"]);
});
