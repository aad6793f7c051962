import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { parseJson } from "$lib/json.ts";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import { DeploymentObject } from "$lib/wire/stack.ts";
import type { Part } from "../run/parts.ts";
import { kubectl } from "./kubectl.ts";
import { MANIFESTS, REFUSED, THING } from "./manifests.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const BY_KUBECTL = "by-kubectl";
const BY_AGENT = "by-agent";
/** kubectl comes with Helm. */
const WITH_KUBECTL = EVERYWHERE.map((parts): readonly Part[] => [...parts, "helm"]);
/** What an API server writes itself, and what says who applied. */
const OF_THE_SERVER = ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "namespace"];
const MARKS = /^(brokkr\.io|k8s\.brokkr\.io|applyset\.kubernetes\.io|kubectl\.kubernetes\.io)\//;

story("21: a manifest means what it means to kubectl apply", WITH_KUBECTL, async (parts) => {
  await using world = await openWorld({ parts });
  await prepare(world);

  for (const [what, manifest] of Object.entries(MANIFESTS)) {
    const { code, stderr } = await apply(world, manifest);
    assert.equal(code, 0, stderr);
    await world.untilApplied(await world.submit(await stackOf(world, what), manifest));
    await sameMeaning(world, what, manifest);
  }
});

story("21: what kubectl apply does not take, the agent takes neither", WITH_KUBECTL, async (parts) => {
  await using world = await openWorld({ parts });
  await prepare(world);

  for (const [what, manifest] of Object.entries(REFUSED)) {
    assert.notEqual((await apply(world, manifest)).code, 0, `kubectl takes ${what}`);
    await refused(world, what, manifest);
  }
});

/** The type of the manifests that hold anything, and where each of both is to put what names no namespace. */
async function prepare({ cluster }: World): Promise<void> {
  await cluster.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", THING);
  for (const name of [BY_KUBECTL, BY_AGENT]) await cluster.create("/api/v1/namespaces", { metadata: { name } });
  await eventually("the type is served", () => cluster.get("/apis/stories.example/v1"));
}

function apply({ cluster }: World, manifest: string) {
  return kubectl(cluster, ["apply", "--namespace", BY_KUBECTL, "--validate=false", "--filename", "-"], manifest);
}

/** A stack of its own, whose objects that name no namespace go to the agent's. */
async function stackOf(world: World, what: string): Promise<string> {
  const name = what.toLowerCase().replaceAll(" ", "-");
  const stackId = await world.addStack(name);
  await world.generator.send(z.unknown(), "PUT", `/stacks/${stackId}`, { name, default_namespace: BY_AGENT });
  return stackId;
}

/** The broker says so at once, or the agent in its report; and nothing of it is there. */
async function refused(world: World, what: string, manifest: string): Promise<void> {
  const path = `/stacks/${await stackOf(world, what)}/deployment-objects`;
  const { status, body } = await world.generator.call("POST", path, manifest);
  if (status < 300) await failed(world, what, DeploymentObject.parse(body));
  else assert.equal(status, 400, what);
  const { stdout } = await kubectl(world.cluster, ["get", "configmaps,things", "--all-namespaces", "--output", "name"]);
  assert.doesNotMatch(stdout, /refused/);
}

async function failed(world: World, what: string, { id }: DeploymentObject): Promise<void> {
  await eventually(`the agent refuses ${what}`, async () => (await world.events(id))[0]?.status === "FAILURE");
}

/** Once controllers have done what they do to both. */
async function sameMeaning(world: World, what: string, manifest: string): Promise<void> {
  const both = () => Promise.all([BY_AGENT, BY_KUBECTL].map((namespace) => meaning(world, namespace, manifest)));
  await eventually(`${what} are the same`, async () => {
    const [byAgent, byKubectl] = await both();
    return isDeepStrictEqual(byAgent, byKubectl);
  }).catch(() => {});
  const [byAgent, byKubectl] = await both();
  assert.deepEqual(byAgent, byKubectl, what);
}

/** What is in the cluster of a manifest, but for what no manifest says. */
async function meaning({ cluster }: World, namespace: string, manifest: string): Promise<readonly unknown[]> {
  const words = ["get", "--namespace", namespace, "--output", "json", "--filename", "-"];
  const { code, stdout, stderr } = await kubectl(cluster, words, manifest);
  assert.equal(code, 0, stderr);
  const found = parseJson(stdout) as KubernetesObject & { readonly items?: readonly KubernetesObject[] };
  return (found.items ?? [found]).map(meant);
}

function meant({ status: _, metadata, ...rest }: KubernetesObject & { readonly status?: unknown }): unknown {
  const said = Object.entries(metadata).filter(([key]) => !OF_THE_SERVER.includes(key));
  const { labels, annotations, ...others } = Object.fromEntries(said) as Record<string, Record<string, string>>;
  return { ...rest, metadata: { ...others, labels: unmarked(labels), annotations: unmarked(annotations) } };
}

function unmarked(marks: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(marks).filter(([key]) => !MARKS.test(key)));
}
