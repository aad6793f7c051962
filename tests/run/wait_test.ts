import assert from "node:assert/strict";
import { eventually } from "../system/wait.ts";
import { GivenUp, waitFor } from "./wait.ts";

const BRIEF_MS = 20;

Deno.test("waitFor() asks again after what is not yet so, and gives the answer", async () => {
  const answers = [undefined, new Error("no"), 7];
  const ask = () => {
    const answer = answers.shift();
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };

  assert.equal(await waitFor(ask, { what: "see it", intervalMs: 0 }), 7);
});

Deno.test("waitFor() ends in time with a try that does not end, and says what was wrong before", async () => {
  const never = new Promise<undefined>(() => {});
  const ended = {
    message: /^Cannot see it: not so after 0\.02 s \(the last try: it has not ended\)\nthe door is shut$/,
  };

  const waiting = waitFor(() => never, {
    what: "see it",
    timeoutMs: BRIEF_MS,
    detail: () => Promise.resolve("the door is shut"),
  });

  await assert.rejects(waiting, ended);
});

Deno.test("waitFor() asks no more once it is given up", async () => {
  let asked = 0;
  const ask = () => {
    asked += 1;
    return Promise.reject(new GivenUp("it is gone"));
  };

  await assert.rejects(waitFor(ask, { what: "see it" }), { message: "Cannot see it: it is gone" });
  assert.equal(asked, 1);
});

Deno.test("eventually() takes false for not yet, and names what it waited for", async () => {
  const answers = [false, undefined, "yes"] as const;
  let asked = 0;
  const failing = eventually("it is so", () => false, { seconds: BRIEF_MS / 1_000, everyMs: 1 });

  assert.equal(await eventually("it is so", () => answers[asked++], { everyMs: 0 }), "yes");
  await assert.rejects(failing, { message: "Cannot see that it is so: not so after 0.02 s" });
});
