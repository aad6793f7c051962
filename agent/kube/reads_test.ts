import assert from "node:assert/strict";
import type { ApiResource, Kubernetes } from "$lib/kubernetes.ts";
import { withBoundedReads } from "./reads.ts";

const PODS: ApiResource = { apiVersion: "v1", kind: "Pod", resource: "pods", namespaced: true, verbs: [] };

Deno.test("withBoundedReads() lets so many reads of all kinds be in flight, and writes pass", async () => {
  const asked: string[] = [];
  const answers: (() => void)[] = [];
  const asking = (what: string) => () => {
    asked.push(what);
    return new Promise<never>((resolve) => answers.push(() => resolve([] as never)));
  };
  const door: Pick<Kubernetes, "get" | "listMetadata" | "discover" | "discoverGroups" | "apply"> = {
    get: asking("get"),
    listMetadata: asking("list"),
    discover: asking("discover"),
    discoverGroups: asking("groups"),
    apply: asking("apply"),
  };
  const bounded = withBoundedReads(door as Kubernetes, 2);
  const place = { resource: PODS, name: "a" };

  const reads = [
    bounded.listMetadata(PODS, {}),
    bounded.get(place),
    bounded.discover("v1"),
    bounded.discoverGroups(),
  ];
  const write = bounded.apply(place, { apiVersion: "v1", kind: "Pod", metadata: { name: "a" } });
  const atFirst = [...asked];
  while (answers.length > 0) {
    answers.splice(0).forEach((answer) => answer());
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await Promise.all([...reads, write]);

  assert.deepEqual(atFirst, ["list", "get", "apply"]);
  assert.deepEqual(asked, ["list", "get", "apply", "discover", "groups"]);
});
