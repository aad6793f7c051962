import assert from "node:assert/strict";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import { bundle, configMap, deployment } from "../system/bundles.ts";
import { EVERYWHERE, story } from "../system/story.ts";
import { eventually } from "../system/wait.ts";
import { openWorld, type World } from "../system/world.ts";
import { unpackOldPrograms } from "./old_programs.ts";

const SECRET = `apiVersion: v1
kind: Secret
metadata: { name: login, namespace: default }
stringData: { user: "somebody" }
`;
/** 0.10.0 read 0400 as four hundred, which is 0620. */
const MODE = `apiVersion: apps/v1
kind: Deployment
metadata: { name: mode, namespace: default }
spec:
  replicas: 0
  selector: { matchLabels: { app: mode } }
  template:
    metadata: { labels: { app: mode } }
    spec:
      containers: [{ name: main, image: example/main:1 }]
      volumes: [{ name: s, secret: { secretName: login, optional: true, defaultMode: 0400 } }]
`;
const CORE = "/api/v1/namespaces/default";
const APPS = "/apis/apps/v1/namespaces/default/deployments";
const MEANS_THE_SAME = [`${CORE}/configmaps/plain`, `${CORE}/configmaps/other`, `${APPS}/web`];
const MODE_PATH = `${APPS}/mode`;
/** As `kubectl create --dry-run -o yaml` prints it: what is left out of it now makes another checksum of the same manifest. */
const PRINTED = configMap("other").replace("name: other", "creationTimestamp: null, name: other");
const PLAIN = bundle(configMap("plain"), PRINTED, deployment("web", { replicas: 0 }));

story(
  "upgrade: an agent of 0.10.0 is replaced, and writes what means something else, and records",
  EVERYWHERE,
  async (parts) => {
    await using old = await unpackOldPrograms();
    await using world = await openWorld({ parts, agentEntry: old.entry("agent") });
    const [stack, changed] = [await world.addStack("plain"), await world.addStack("changed")];
    await world.untilApplied(await world.submit(stack, PLAIN));
    await world.untilApplied(await world.submit(changed, bundle(SECRET, MODE)));
    assert.equal(modeIn(await world.cluster.get(MODE_PATH)), 400);
    await world.agent.stop();
    const before = await versions(world);

    await world.startAgent({}, { entry: undefined });
    await eventually("both stacks are recorded", async () => (await records(world)).every((record) => record === "1"));
    await eventually("the mode is what it means", async () => modeIn(await world.cluster.get(MODE_PATH)) === 0o400);

    assert.deepEqual(await versions(world), before);
    assert.equal((await records(world)).length, 2);
    await world.generator.call("DELETE", `/stacks/${stack}`);
    await eventually("all of the stack is gone", async () => (await versions(world)).every((one) => one === undefined));
  },
);

async function versions({ cluster }: World): Promise<readonly (string | undefined)[]> {
  const objects = await Promise.all(MEANS_THE_SAME.map((path) => cluster.get(path)));
  return objects.map((object) =>
    object?.metadata.generation === undefined
      ? object?.metadata.resourceVersion
      : `${object.metadata.uid} ${object.metadata.generation} ${
        object.metadata.annotations?.["brokkr.io/manifest-checksum"]
      }`
  );
}

function modeIn(object: KubernetesObject | undefined): number | undefined {
  const { template } = (object?.spec ?? {}) as {
    template?: { spec?: { volumes?: { secret?: { defaultMode?: number } }[] } };
  };
  return template?.spec?.volumes?.[0]?.secret?.defaultMode;
}

/** What the stacks' parents say of their records; undefined while 0.10.0 wrote one last. */
async function records({ cluster }: World): Promise<readonly (string | undefined)[]> {
  const maps = await cluster.list(`${CORE}/configmaps?labelSelector=applyset.kubernetes.io/id`);
  return maps.map(({ metadata }) => metadata.annotations?.["brokkr.io/record"]);
}
