import assert from "node:assert/strict";
import { Notifier } from "./notifier.ts";

Deno.test("Notifier sends at once what comes alone, and in one what comes while that is under way", async () => {
  const sent: (readonly string[])[] = [];
  const ends: (() => void)[] = [];
  const notifier = new Notifier({
    notify(_, payloads) {
      sent.push(payloads);
      return new Promise((resolve) => ends.push(resolve));
    },
  });

  notifier.changed("agents");
  const [first] = sent;
  for (const id of ["a", "b", "a"]) notifier.agentsChanged([id]);
  notifier.changed("stacks", "agents");
  const flushed = notifier.flush();
  ends[0]?.();
  while (ends.length < 2) await Promise.resolve();
  ends[1]?.();
  await flushed;

  assert.deepEqual(first, ['{"changed":["agents"]}']);
  assert.deepEqual(sent, [first, ['{"changed":["stacks","agents"],"agents":["a","b"]}']]);
});

Deno.test("Notifier sends nothing where nothing changed", async () => {
  const notifier = new Notifier({ notify: () => Promise.reject(new Error("sent")) });

  notifier.agentsChanged([]);
  await notifier.flush();
});
