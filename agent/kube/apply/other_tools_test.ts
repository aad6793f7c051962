import assert from "node:assert/strict";
import type { ObjectMeta } from "$lib/kubernetes.ts";
import { toolOf } from "./other_tools.ts";

const OWNER = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "r", uid: "u" };

for (
  const { what, meta, expected } of [
    {
      what: "Helm's marks",
      meta: {
        labels: { "app.kubernetes.io/managed-by": "Helm" },
        annotations: { "meta.helm.sh/release-name": "shop" },
      },
      expected: 'the Helm release "shop"',
    },
    { what: "half of Helm's marks", meta: { labels: { "app.kubernetes.io/managed-by": "Helm" } }, expected: undefined },
    {
      what: "a Kustomization's label",
      meta: { labels: { "kustomize.toolkit.fluxcd.io/name": "apps" } },
      expected: 'the Flux Kustomization "apps"',
    },
    {
      what: "a HelmRelease's label",
      meta: { labels: { "helm.toolkit.fluxcd.io/name": "shop" } },
      expected: 'the Flux HelmRelease "shop"',
    },
    {
      what: "Argo CD's annotation",
      meta: { annotations: { "argocd.argoproj.io/tracking-id": "shop:apps/Deployment:default/web" } },
      expected: 'the Argo CD application "shop"',
    },
    {
      what: "Argo CD's label",
      meta: { labels: { "argocd.argoproj.io/instance": "shop" } },
      expected: 'the Argo CD application "shop"',
    },
    {
      what: "a controller",
      meta: { ownerReferences: [{ ...OWNER, kind: "Node" }, { ...OWNER, controller: true }] },
      expected: 'ReplicaSet "r"',
    },
    { what: "an owner that is no controller", meta: { ownerReferences: [OWNER] }, expected: undefined },
    {
      what: "another tool's set",
      meta: { labels: { "applyset.kubernetes.io/part-of": "applyset-x-v1" } },
      expected: 'the ApplySet "applyset-x-v1" of another tool',
    },
    {
      what: "our own marks",
      meta: {
        labels: { "applyset.kubernetes.io/part-of": "applyset-x-v1" },
        annotations: { "brokkr.io/owner-id": "a" },
      },
      expected: undefined,
    },
    { what: "no marks", meta: {}, expected: undefined },
  ]
) {
  Deno.test(`toolOf() an object with ${what}`, () => {
    const marked: ObjectMeta = { name: "o", ...meta };

    assert.equal(toolOf(marked), expected);
  });
}
