import assert from "node:assert/strict";
import { Delivery, DeliveryDetails } from "$lib/wire/delivery.ts";
import { StackSubmission } from "$lib/wire/stack.ts";
import { bundle, deployment, namespace } from "./bundles.ts";
import { type Ended, runCommand } from "./programs.ts";
import { LIGHT, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const STACK = ["--stack", "shop"];
const WAIT = ["--wait", "healthy"];

story(
  "of the command line: an apply that waits ends with 0, 1, 2 or 3, and its last lines say why",
  LIGHT,
  async (parts) => {
    await using world = await openWorld({ parts });
    await using client = await clientOf(world);
    const apply = (text: string, ...more: readonly string[]) => client.apply(text, [...STACK, ...WAIT, ...more]);

    const targeted = ["--create", "--target", `agent=${world.agentId}`];
    const there = await apply(shop(3), ...targeted);
    const again = await apply(shop(3));
    const refused = await apply(shop(-1));
    const explained = await client.run(["explain", "shop", "agent"]);
    const history = StackSubmission.array().parse(
      JSON.parse((await client.run(["history", "shop", "-o", "json"])).stdout),
    );
    const back = await client.run(["rollback", "shop", "--to", String(history.at(-1)?.sequence_id), ...WAIT]);
    await world.agent.stop();
    const late = await apply(shop(2), "--timeout", "1s");
    const nobody = await client.apply(shop(1), ["--stack", "nobody's", "--create", ...WAIT]);
    const wrong = await client.run(["apply", "-f", "/nowhere", ...STACK]);

    await world.broker.stop();
    const away = await client.run(["get", "stacks"]);

    assert.deepEqual([away.code, away.stdout], [1, ""]);
    assert.match(away.stderr, /^Cannot reach the broker http:\S+: [^\n]*find-out-why\.md#broker_away\)\n$/);
    const codes = [there, again, refused, back, late, nobody, wrong].map(({ code }) => code);
    assert.deepEqual(
      codes,
      [0, 0, 1, 0, 2, 1, 3],
      [there, again, refused, back, late].map(({ stderr }) => stderr).join("\n"),
    );
    assert.match(there.stderr, /: healthy with 1 agent, after \d+s\n$/);
    assert.match(again.stdout, /is unchanged\n$/);
    assert.deepEqual(history.length, 2);
    assert.match(
      refused.stderr,
      /• .*must be greater than or equal to 0.*\n[^]*next: [^]*Failed after .*"agent" \(failed: refused\)/,
    );
    assert.match(explained.stdout, /must be greater than or equal to 0/);
    assert.match(late.stderr, /• [^]*Timed out after 1s: .*healthy with 0 of 1 agent\n$/);
    assert.match(nobody.stderr, /no agent is targeted: give the stack targets or labels\n$/);
  },
);

story(
  "of the command line: who takes part is said by commands alone, and what ends is gone from the cluster",
  LIGHT,
  async (parts) => {
    await using world = await openWorld({ parts });
    await using client = await clientOf(world, world.adminPak);
    const admin = async (line: string) => {
      const { code, stdout, stderr } = await client.run(line.split(" "));
      assert.equal(code, 0, `${line}: ${stderr}`);
      return stdout;
    };
    const isThere = async () => await world.cluster.get("/apis/apps/v1/namespaces/shop/deployments/web") !== undefined;
    const isGone = async () => !await isThere();

    await admin("deactivate agent");
    const inactive = await client.apply(shop(1), [...STACK, "--create", "--wait", "applied", "--timeout", "1s"]);
    await admin("target shop agent=agent --register");
    await eventually("the agent is told that it is inactive", async () =>
      (await admin("explain shop")).includes(
        `next: brokkr-broker activate ${world.agentId}`,
      ));
    assert.deepEqual([inactive.code, await isThere()], [1, false], inactive.stderr);

    await admin("activate agent");
    await eventually("it is there once the agent is active", isThere);
    await admin("untarget shop agent=agent --yes");
    await eventually("it is gone once the stack is for the agent no more", isGone);
    await admin("target shop label=eu");
    await admin("label agent eu");
    await eventually("it is there again by a label that both have", isThere);
    await admin("unlabel agent eu --yes");
    await eventually("and gone with the label", isGone);
    await admin("label agent eu");
    await eventually("and there again", isThere);
    await admin("suspend shop");
    await admin("delete stack shop --yes");
    const [stackId] = (await world.admin.send(Delivery.array(), "GET", "/deliveries")).map(({ stack }) => stack.id);
    await eventually("its removal waits while it is suspended", async () => {
      const { causes } = await world.admin.send(DeliveryDetails, "GET", `/deliveries/${world.agentId}/${stackId}`);
      return causes.some(({ next }) => next === `brokkr-broker resume ${stackId}`);
    });
    await admin(`resume ${stackId}`);
    await eventually("a deleted stack is gone from the cluster", isGone);

    await admin("delete agent agent --yes");
    assert.equal(await admin("get agents"), "");
  },
);

function shop(replicas: number): string {
  return bundle(namespace("shop"), deployment("web", { namespace: "shop", replicas }));
}

/** The command line with a key, the generator's where none is said, which is in a file. */
async function clientOf({ broker, generatorPak }: World, pak = generatorPak) {
  const folder = await Deno.makeTempDir({ prefix: "brokkr-client-" });
  const pakFile = `${folder}/pak`;
  await Deno.writeTextFile(pakFile, `${pak}\n`, { mode: 0o600 });
  const run = (words: readonly string[]): Promise<Ended> =>
    runCommand("broker", [...words, "--broker-url", broker.url, "--pak-file", pakFile], {});
  return {
    run,
    async apply(text: string, more: readonly string[]): Promise<Ended> {
      await Deno.writeTextFile(`${folder}/shop.yaml`, text);
      return await run(["apply", "-f", folder, ...more]);
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
