import assert from "node:assert/strict";
import { z } from "zod";
import { newPak } from "$lib/ids.ts";
import { ErrorResponse } from "$lib/wire/common.ts";
import { bundle, configMap } from "./bundles.ts";
import { type Program, startAgent, startBroker } from "./programs.ts";
import { LIGHT, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const MIB = 1024 * 1024;
const BundleFaults = z.object({
  details: z.object({ errors: z.array(z.object({ document: z.number(), line: z.number() })) }),
});

story("of bad requests: each gets a clear refusal, and the broker lives on", LIGHT, async (parts) => {
  await using world = await openWorld({ parts, startsAgent: false });
  const stack = await world.addStack("page");
  const objects = `/stacks/${stack}/deployment-objects`;
  const huge = "x".repeat(9 * MIB);

  assert.deepEqual(await refusal(world, objects, { body: huge, type: "application/yaml" }), [413, "too_large"]);
  assert.deepEqual(await refusal(world, objects, { body: stream(huge), type: "application/yaml" }), [413, "too_large"]);
  assert.deepEqual(await refusal(world, "/generators", { body: JSON.stringify({ name: huge }) }), [413, "too_large"]);
  assert.deepEqual(await refusal(world, "/generators", { body: '{"name": "half' }), [422, "invalid_request_body"]);
  assert.deepEqual(await refusal(world, "/generators", { body: '{"name": 7}' }), [422, "invalid_request_body"]);
  const unknown = newPak();
  for (const pak of [unknown, `Bearer ${unknown}`, "brokkr_malformed", ""]) {
    assert.deepEqual(await refusal(world, objects, { body: configMap("page"), pak }), [401, "unauthorized"]);
  }

  const faulty = await world.generator.call("POST", objects, bundle(configMap("page"), "kind: [\n", "kind: Pod\n"));
  assert.deepEqual([faulty.status, ErrorResponse.parse(faulty.body).code], [400, "invalid_deployment_object"]);
  const places = BundleFaults.parse(faulty.body).details.errors.map(({ document, line }) => [document, line]);
  assert.deepEqual(places, [[2, 7], [3, 8], [3, 8]], "a list not ended; no apiVersion and no name");

  const good = await world.generator.call("POST", objects, configMap("page"));
  assert.equal(good.status, 201);
  assert.ok(!world.broker.output().includes(unknown), "no key in the log");
});

Deno.test("story of wrong settings: the broker ends with 1 and names every one at once, without a secret", async () => {
  const key = newPak();
  await using broker = startBroker({
    BROKER__LISTEN: "everywhere",
    BROKER__PAK_HASH: key,
    DATABASE__URL: "mysql://me:hush-database@host/db",
    DATABASE__POOL_SIZE: "many",
    METRICS__ENABLED: "perhaps",
    METRICS__COLOUR: "blue",
  });

  assert.equal(await broker.ended, 1);

  assertHides(broker, [key, "hush"]);
  assertNames(broker, [
    "broker.listen",
    "broker.pak_hash",
    "database.url",
    "database.pool_size",
    "metrics.enabled",
    "metrics.colour",
  ]);
});

Deno.test("story of wrong settings: the agent ends with 1 and names every one at once, without a secret", async () => {
  const key = newPak();
  await using agent = startAgent({
    AGENT__BROKER_URL: "broker",
    AGENT__PAK: key,
    AGENT__PAK_FILE: "/nowhere",
    AGENT__AGENT_NAME: "agent",
    AGENT__POLLING_INTERVAL: "0",
    AGENT__GENERATOR_IDS: "one,two",
    AGENT__COLOUR: "blue",
  });

  assert.equal(await agent.ended, 1);

  assertHides(agent, [key]);
  assertNames(agent, [
    "agent.broker_url",
    "agent.pak and agent.pak_file",
    "agent.cluster_name",
    "agent.polling_interval",
    "agent.generator_ids",
    "agent.colour",
  ]);
});

story(
  "of a wrong key: the agent stays up, says so, and works once its file holds the right one",
  LIGHT,
  async (parts) => {
    await using world = await openWorld({ parts, startsAgent: false });
    const file = await Deno.makeTempFile({ prefix: "brokkr-key-" });
    const wrong = newPak();
    await Deno.writeTextFile(file, wrong);
    const object = await world.submit(await world.addStack("page"), configMap("page"));
    await using agent = startAgent({
      AGENT__BROKER_URL: world.broker.url,
      AGENT__PAK_FILE: file,
      AGENT__AGENT_NAME: "agent",
      AGENT__CLUSTER_NAME: "cluster",
      AGENT__POLLING_INTERVAL: "1",
      AGENT__KUBECONFIG_PATH: world.cluster.kubeconfigPath,
    });

    await eventually(
      "the agent says that its key is refused",
      () => /status is 401, unauthorized/.test(agent.output()),
    );
    assert.equal(await statusOf(`${agent.url}/healthz`), 200);
    assert.equal(await statusOf(`${agent.url}/readyz`), 200);
    await Deno.writeTextFile(file, `${world.agentPak}\n`);
    await world.untilApplied(object);

    assert.ok(!agent.output().includes(wrong), "no key in the agent's log");
    assert.ok(!world.broker.output().includes(wrong), "no key in the broker's log");
    await Deno.remove(file);
  },
);

interface Sent {
  readonly body: string | ReadableStream<Uint8Array>;
  readonly type?: string;
  /** The admin's when left out. */
  readonly pak?: string;
}

/** Status and code of the answer to a POST. */
async function refusal(
  { broker, adminPak }: World,
  path: string,
  { body, type = "application/json", pak = adminPak }: Sent,
): Promise<readonly [status: number, code: string]> {
  const headers = { "content-type": type, authorization: pak };
  const answer = await fetch(`${broker.url}/api/v1${path}`, { method: "POST", headers, body });
  const { code, message } = ErrorResponse.parse(await answer.json());
  assert.ok(pak === "" || !message.includes(pak), message);
  return [answer.status, code];
}

/** A body of unknown length. */
function stream(text: string): ReadableStream<Uint8Array> {
  return ReadableStream.from(text.match(/.{1,65536}/g) ?? []).pipeThrough(new TextEncoderStream());
}

function assertNames(program: Program, names: readonly string[]): void {
  for (const name of names) assert.ok(program.output().includes(name), `${name} is not in:\n${program.output()}`);
}

function assertHides(program: Program, secrets: readonly string[]): void {
  for (const secret of secrets) assert.ok(!program.output().includes(secret), program.output());
}

async function statusOf(url: string): Promise<number> {
  const answer = await fetch(url);
  await answer.body?.cancel();
  return answer.status;
}
