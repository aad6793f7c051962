import assert from "node:assert/strict";
import { disabledTracing } from "$lib/tracing.ts";
import { Notifier } from "./notifier.ts";

Deno.test("Notifier sends at once what comes alone, and in one what comes while that is under way", async () => {
  const sent: (readonly string[])[] = [];
  const ends: (() => void)[] = [];
  const notifier = new Notifier({
    notify(_, payloads) {
      sent.push(payloads);
      return new Promise((resolve) => ends.push(resolve));
    },
  }, disabledTracing());

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
  const notifier = new Notifier({ notify: () => Promise.reject(new Error("sent")) }, disabledTracing());

  notifier.agentsChanged([]);
  await notifier.flush();
});

Deno.test("Notifier sends outside of the request whose change it tells of: what others change may go with it", async () => {
  const within: unknown[] = [];
  const notifier = new Notifier({ notify: () => Promise.resolve() }, {
    within(span, work) {
      within.push(span);
      return work();
    },
  });

  notifier.changed("agents");
  await notifier.flush();

  assert.deepEqual(within, [undefined]);
});
