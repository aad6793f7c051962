import assert from "node:assert/strict";
import { parseGroupKind } from "../names.ts";
import { broughtGroup, holdsObjects, stageOf, waves } from "./order.ts";

Deno.test("waves() puts what others need first, custom resources late and what may refuse others last", () => {
  const kinds = [
    "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
    "Widget.example.com",
    "Deployment.apps",
    "Service",
    "ConfigMap",
    "RoleBinding.rbac.authorization.k8s.io",
    "Role.rbac.authorization.k8s.io",
    "ClusterRole.rbac.authorization.k8s.io",
    "CustomResourceDefinition.apiextensions.k8s.io",
    "Namespace",
  ];

  assert.deepEqual(waves(kinds, parseGroupKind).flat(), kinds.toReversed());
});

Deno.test("waves() keeps things of one rank together and in their order", () => {
  const order = waves(["Secret", "Namespace", "ConfigMap"], parseGroupKind);

  assert.deepEqual(order, [["Namespace"], ["Secret", "ConfigMap"]]);
});

Deno.test("holdsObjects() is true of namespaces and definitions only, whatever the group calls its kinds", () => {
  const kinds = ["Namespace", "CustomResourceDefinition.apiextensions.k8s.io", "Namespace.example.com", "ConfigMap"];

  assert.deepEqual(kinds.map((kind) => holdsObjects(parseGroupKind(kind))), [true, true, false, false]);
});

Deno.test("stageOf() brings what decides on others before them, and what may refuse everything last", () => {
  const stages = [
    ["Namespace", "StorageClass.storage.k8s.io", "ClusterRole.rbac.authorization.k8s.io"],
    ["ServiceAccount", "ResourceQuota", "Role.rbac.authorization.k8s.io"],
    ["RoleBinding.rbac.authorization.k8s.io", "ClusterRoleBinding.rbac.authorization.k8s.io"],
    ["Secret", "PersistentVolumeClaim", "Deployment.apps", "HorizontalPodAutoscaler.autoscaling"],
    ["Widget.example.com", "HTTPRoute.gateway.networking.k8s.io", "PodMetrics.metrics.k8s.io"],
    ["APIService.apiregistration.k8s.io", "ValidatingAdmissionPolicy.admissionregistration.k8s.io"],
  ];

  for (const [stage, kinds] of stages.entries()) {
    assert.deepEqual(kinds.map((kind) => stageOf(parseGroupKind(kind))), kinds.map(() => stage));
  }
});

Deno.test("waves() lets come after all others what is said to be last, and broughtGroup() says what an APIService brings", () => {
  const service = { group: "apiregistration.k8s.io", kind: "APIService" };
  const thing = { group: "example.com", kind: "Thing" };
  const isLast = ({ group }: { readonly group: string }) => group === broughtGroup(service, "v1.example.com");

  assert.deepEqual(waves([thing, service], (one) => one, isLast), [[service], [thing]]);
  assert.deepEqual(waves([thing, service], (one) => one), [[thing], [service]]);
  assert.equal(broughtGroup(thing, "v1.example.com"), undefined);
});
