import assert from "node:assert/strict";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import { podSelectorOf } from "./pods.ts";

function object(apiVersion: string, kind: string, spec: unknown): KubernetesObject {
  return { apiVersion, kind, metadata: { name: "one" }, spec };
}

Deno.test("podSelectorOf() writes a workload's selector as a query has it", () => {
  const matchExpressions = [
    { key: "tier", operator: "In", values: ["a", "b"] },
    { key: "old", operator: "NotIn", values: ["yes"] },
    { key: "is", operator: "Exists" },
    { key: "no", operator: "DoesNotExist" },
    { key: "odd", operator: "Like" },
  ];
  const spec = { selector: { matchLabels: { app: "web" }, matchExpressions } };

  const text = podSelectorOf(object("apps/v1", "Deployment", spec));

  assert.equal(text, "app=web,tier in (a,b),old notin (yes),is,!no");
});

Deno.test("podSelectorOf() is undefined for what selects all, or runs no pods", () => {
  const spec = { selector: { matchLabels: { app: "web" } } };

  assert.equal(podSelectorOf(object("apps/v1", "Deployment", { selector: {} })), undefined);
  assert.equal(podSelectorOf(object("v1", "Service", spec)), undefined);
  assert.equal(podSelectorOf(object("x.io/v1", "Deployment", spec)), undefined);
});
