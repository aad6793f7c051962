import assert from "node:assert/strict";
import { startRelay } from "../fakes/relay.ts";
import { configMap } from "./bundles.ts";
import { EVERYWHERE, story } from "./story.ts";
import { openWorld, type World } from "./world.ts";

const PAGE = "/api/v1/namespaces/default/configmaps/page";

story("23: connections that freeze are replaced, without a restart", EVERYWHERE, async (parts) => {
  await using world = await openWorld({ parts, startsAgent: false });
  await using toBroker = startRelay({ port: portOf(world.broker.url) });
  await using toCluster = startRelay({ port: portOf(urlOf(world)) });
  const kubeconfigPath = await kubeconfigThrough(world, toCluster.port);
  await world.startAgent({
    AGENT__BROKER_URL: `http://127.0.0.1:${toBroker.port}`,
    AGENT__KUBECONFIG_PATH: kubeconfigPath,
  });
  const { pid } = world.agent;
  const stack = await world.addStack("page");
  await world.untilApplied(await world.submit(stack, configMap("page", { value: "1" })));

  toCluster.freezeOpen();
  await world.untilApplied(await world.submit(stack, configMap("page", { value: "2" })));
  assert.deepEqual((await world.cluster.get(PAGE))?.data, { value: "2" });
  toBroker.freezeOpen();
  await world.untilApplied(await world.submit(stack, configMap("page", { value: "3" })));

  assert.deepEqual((await world.cluster.get(PAGE))?.data, { value: "3" });
  assert.equal(world.agent.pid, pid);
  await Deno.remove(kubeconfigPath);
});

function urlOf({ servers }: World): string {
  return servers.controlPlane?.url ?? servers.simulated?.url ?? assert.fail("there is no cluster");
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** The agent's kubeconfig, but for the port. */
async function kubeconfigThrough(world: World, port: number): Promise<string> {
  const url = urlOf(world);
  const text = await Deno.readTextFile(world.cluster.kubeconfigPath);
  const path = await Deno.makeTempFile({ suffix: ".kubeconfig" });
  await Deno.writeTextFile(path, text.replaceAll(url, url.replace(String(portOf(url)), String(port))));
  return path;
}
