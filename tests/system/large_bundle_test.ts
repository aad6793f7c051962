import assert from "node:assert/strict";
import { bundle, configMap, deployment } from "./bundles.ts";
import { LIGHT, story } from "./story.ts";
import { openWorld, type World } from "./world.ts";

const SIZE = 4 * 1024 * 1024;
const PIECE = 64 * 1024;
/** Many more than a broker can answer that only reads what is already on its way, whatever the machine's speed. */
const ANSWERS_MIN = 20;

story("of large bundles: the broker answers others while it parses them", LIGHT, async (parts) => {
  await using world = await openWorld({ parts, startsAgent: false });
  const path = `/stacks/${await world.addStack("shop")}/deployment-objects`;
  await world.generator.call("POST", path, configMap("first"));

  const taken = await answeredWhile(world, path);
  const refused = await world.generator.call("POST", path, "[".repeat(SIZE / 2));

  assert.deepEqual([taken.status, refused.status], [201, 400]);
  assert.ok(taken.answers >= ANSWERS_MIN, `others got ${taken.answers} answers`);
});

/** Submits a large bundle and, once it is sent whole, asks for something else again and again until it is answered. */
async function answeredWhile({ broker, generatorPak }: World, path: string) {
  const sent = Promise.withResolvers<void>();
  const headers = { authorization: generatorPak, "content-type": "application/yaml" };
  const body = wholeBody(largeBundle(), sent.resolve);
  let isAnswered = false;
  const submission = fetch(`${broker.url}/api/v1${path}`, { method: "POST", headers, body })
    .finally(() => isAnswered = true);
  await sent.promise;
  let answers = 0;
  while (!isAnswered) {
    await (await fetch(`${broker.url}/healthz`)).body?.cancel();
    if (!isAnswered) answers += 1;
  }
  const answer = await submission;
  await answer.body?.cancel();
  return { status: answer.status, answers };
}

/** A body that says when its last piece was taken. */
function wholeBody(text: string, onSent: () => void): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at < bytes.length) return controller.enqueue(bytes.slice(at, at += PIECE));
      controller.close();
      onSent();
    },
  });
}

/** As many Deployments as a large public bundle has lines. */
function largeBundle(): string {
  const one = deployment("d00000").length + "---\n".length;
  const count = Math.floor(SIZE / one) - 1;
  return bundle(...Array.from({ length: count }, (_, n) => deployment(`d${String(n).padStart(5, "0")}`)));
}
