import assert from "node:assert/strict";
import { z } from "zod";
import { Delivery } from "$lib/wire/delivery.ts";
import { helmFolder } from "../helm/helm.ts";
import { blocksOf, commandsOf } from "../pages/blocks.ts";
import type { Part } from "../run/parts.ts";
import { readTask } from "../compile/task.ts";
import { configMap } from "./bundles.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const PAGE = "docs/content/how-to/answer-alerts.md";
const ROOT = new URL("../../", import.meta.url).pathname;
const NAMESPACE = "brokkr";
/** kubectl comes with Helm. */
const WITH_KUBECTL = EVERYWHERE.map((parts): readonly Part[] => [...parts, "helm"]);

/** What each command of the page says, of an agent that has a failing stack and holds the removal of two others. */
const SAYS: Readonly<Record<string, RegExp>> = {
  "brokkr-broker get agents": /^NAME +CONNECTIVITY .*VERSION.*\nagent +connected /,
  "brokkr-broker get deliveries": /^agent +bad +failed /m,
  "brokkr-broker get deliveries --unhealthy": /^agent +bad +failed /m,
  'brokkr-broker explain "$STACK" "$AGENT"': /"bad"/,
  'brokkr-broker approve "$AGENT" --revision "$REVISION"':
    /^Agent "agent" holds, at revision \d+:\n[^]*left[^]*right[^]*Approved /,
  "kubectl --namespace brokkr get leases": /^NAME +.*\nbrokkr-agent-\S+ +\S+/,
};

story("answer-alerts.md: each command of the page, pasted, says what is the matter", WITH_KUBECTL, async (parts) => {
  const agentSettings = { AGENT__LEASE: "true", AGENT__NAMESPACE: NAMESPACE, AGENT__PRUNE_MAX_STACKS: "1" };
  await using world = await openWorld({ parts, agentSettings, startsAgent: false });
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } };
  await world.cluster.create("/api/v1/namespaces", namespace);
  await world.startAgent();
  await using shell = await openShell(world);
  const variables = { STACK: "bad", AGENT: "agent", REVISION: String(await breakThings(world)) };
  const commands = [...new Set(commandsOf(await blocksOf(PAGE)))];

  assert.deepEqual(commands.toSorted(), Object.keys(SAYS).sort());
  for (const command of commands) {
    const { code, stdout, stderr } = await shell.type(command, variables);

    assert.equal(code, 0, `${command}\n${stderr}`);
    assert.match(stdout, SAYS[command] ?? /^$/, command);
  }
});

/** One stack is refused, and two are taken from the agent at once: answers the revision at which it holds them. */
async function breakThings(world: World): Promise<number> {
  const held = [await world.addStack("left"), await world.addStack("right")];
  for (const [at, stack] of held.entries()) {
    await world.untilApplied(await world.submit(stack, configMap(`page-${at}`)));
  }
  await world.submit(await world.addStack("bad"), configMap("Not A Name"));
  for (const stack of held) await world.admin.call("DELETE", `/agents/${world.agentId}/targets/${stack}`);
  const deliveries = () => world.admin.send(z.array(Delivery), "GET", `/agents/${world.agentId}/deliveries`);
  await eventually("the bad one fails", async () => (await deliveries()).some(({ state }) => state === "failed"));
  return await eventually("both are held", async () => {
    const revisions = (await deliveries()).flatMap(({ held_revision }) => held_revision ?? []);
    return revisions.length === held.length && Math.max(...revisions);
  });
}

/** Who types commands where the broker's program and kubectl are. */
async function openShell({ broker, adminPak, cluster }: World) {
  const folder = await Deno.makeTempDir({ prefix: "brokkr-runbooks-" });
  const { args, entry } = readTask("broker");
  const program = [Deno.execPath(), ...args, `${ROOT}${entry}`].map((word) => `'${word}'`).join(" ");
  await Deno.writeTextFile(`${folder}/brokkr-broker`, `#!/bin/sh\ncd ${ROOT} && exec ${program} "$@"\n`, {
    mode: 0o755,
  });
  const env = {
    PATH: [folder, helmFolder(), Deno.env.get("PATH")].join(":"),
    ...{ HOME: Deno.env.get("HOME") ?? folder, DENO_DIR: Deno.env.get("DENO_DIR") ?? "" },
    ...{ BROKKR_URL: broker.url, BROKKR_PAK: adminPak, KUBECONFIG: cluster.kubeconfigPath },
  };
  return {
    async type(command: string, variables: Readonly<Record<string, string>>) {
      const options = { cwd: folder, clearEnv: true, env: { ...env, ...variables } };
      const shell = new Deno.Command("bash", { args: ["-uc", command], ...options });
      const { code, stdout, stderr } = await shell.output();
      return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
    },
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
