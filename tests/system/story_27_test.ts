import assert from "node:assert/strict";
import { z } from "zod";
import { newPak } from "$lib/ids.ts";
import { bundle, configMap } from "./bundles.ts";
import { startProxy } from "./proxy.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const SECRETS = "/api/v1/namespaces/default/secrets";

story(
  "27: away from the broker, restarted there, the agent repairs on, prunes nothing, and reports when it is back",
  EVERYWHERE,
  async (parts) => {
    let isAway = false;
    await using proxy = startProxy(async (request, forward) =>
      isAway ? new Response("away", { status: 503 }) : await forward(request)
    );
    await using world = await openWorld({ parts, brokerUrlOfAgent: (url) => proxy.before(url) });
    const [page, gone] = [await world.addStack("page"), await world.addStack("gone")];
    const submitted = await world.submit(page, bundle(configMap("page"), configMap("menu")));
    await world.untilApplied(submitted);
    await world.untilApplied(await world.submit(gone, configMap("gone")));
    await eventually("both bundles are kept", async () => (await keptNames(world)).length === 3);

    isAway = true;
    await world.agent.kill();
    await world.generator.send(z.unknown(), "DELETE", `/stacks/${gone}`);
    const repaired = await world.generator.send(z.object({ id: z.string() }), "GET", `/stacks/${page}`);
    assert.equal(repaired.id, page, "the broker itself is there");
    await world.cluster.patch(at("page"), { data: { value: "by hand" } });
    await world.cluster.remove(at("menu"));
    await world.startAgent();
    await eventually("what was changed is put right", async () => await valueOf(world, "page") === "1");
    await eventually("what was deleted is back", async () => await valueOf(world, "menu") === "1");
    await world.cluster.remove(at("gone"));
    await eventually("what the broker deleted is repaired, too: nobody knows", async () => {
      return await valueOf(world, "gone") === "1";
    });
    const before = (await world.events(submitted.id)).length;

    isAway = false;
    await eventually("the deleted stack is pruned", async () => await world.cluster.get(at("gone")) === undefined);
    await eventually("what was done away from the broker is reported", async () => {
      return (await world.events(submitted.id)).length > before;
    });
    assert.equal(await valueOf(world, "page"), "1");
    await eventually("a bundle that no stack names is not kept", async () => (await keptNames(world)).length === 2);
  },
);

story(
  "27: an agent whose key was refused writes nothing after a restart without the broker",
  EVERYWHERE,
  async (parts) => {
    await using world = await openWorld({ parts });
    await world.untilApplied(await world.submit(await world.addStack("page"), configMap("page")));
    await eventually("the bundle is kept", async () => (await keptNames(world)).length === 2);
    const secrets = async () => (await world.cluster.list(SECRETS)).map(({ metadata }) => metadata.resourceVersion);
    const index = async () => (await world.cluster.list(SECRETS)).find(({ metadata }) => isIndex(metadata.name));
    const believed = (await index())?.metadata.resourceVersion;

    await world.admin.send(z.unknown(), "POST", `/agents/${world.agentId}/rotate-pak`);
    await eventually("the copy says that the key is refused", async () => {
      return (await index())?.metadata.resourceVersion !== believed;
    });
    await world.agent.kill();
    await world.broker.kill();
    await world.cluster.patch(at("page"), { data: { value: "by hand" } });
    const kept = await secrets();
    await world.startAgent();
    await eventually("the agent goes on from what is kept", () => {
      return Promise.resolve(world.agent.output().includes("going on from what is kept in the cluster"));
    });
    await eventually("it has asked the broker in vain, several times", () => {
      return Promise.resolve((world.agent.output().match(/turn failed, will try again/g) ?? []).length >= 8);
    });

    assert.equal(await valueOf(world, "page"), "by hand");
    assert.deepEqual(await secrets(), kept);
  },
);

story(
  "27: an agent of the same names whose key is refused does not keep the right one from going on without the broker",
  EVERYWHERE,
  async (parts) => {
    await using world = await openWorld({ parts });
    await world.untilApplied(await world.submit(await world.addStack("page"), configMap("page")));
    await eventually("the bundle is kept", async () => (await keptNames(world)).length === 2);
    const version = async () => {
      const index = (await world.cluster.list(SECRETS)).find(({ metadata }) => isIndex(metadata.name));
      return index?.metadata.resourceVersion;
    };
    const [right, believed] = [world.agent, await version()];
    await world.startAgent({ AGENT__PAK: newPak() });
    await eventually("the copy says that a key is refused", async () => await version() !== believed);
    await Promise.all([right, world.agent, world.broker].map((program) => program.kill()));
    await world.cluster.patch(at("page"), { data: { value: "by hand" } });

    await world.startAgent();

    await eventually("what was changed is put right", async () => await valueOf(world, "page") === "1");
  },
);

function at(name: string): string {
  return `/api/v1/namespaces/default/configmaps/${name}`;
}

async function valueOf({ cluster }: World, name: string): Promise<unknown> {
  return (await cluster.get(at(name)) as { data?: { value?: string } } | undefined)?.data?.value;
}

async function keptNames({ cluster }: World): Promise<readonly string[]> {
  const names = (await cluster.list(SECRETS)).map(({ metadata }) => metadata.name);
  return names.filter((name) => isIndex(name) || name.startsWith("brokkr-body-"));
}

function isIndex(name: string): boolean {
  return name.startsWith("brokkr-kept-");
}
