import assert from "node:assert/strict";
import { ask } from "./ask.ts";
import type { ClusterCase } from "./cluster_case.ts";

/** What a cluster says of itself. */
export const discoveryCases: readonly ClusterCase[] = [
  {
    name: "/version says 1.36",
    async run(cluster) {
      const { status, body } = await ask(cluster, "GET", "/version");

      assert.equal(status, 200);
      assert.match(body.gitVersion ?? "", /^v1\.36\.3/);
    },
  },
  {
    name: "/readyz answers in plain text",
    async run(cluster) {
      const { status, text } = await ask(cluster, "GET", "/readyz");

      assert.equal(status, 200);
      assert.equal(text, "ok");
    },
  },
  {
    name: "/apis names the groups that manifests use, each with its preferred version",
    async run(cluster) {
      const { body } = await ask(cluster, "GET", "/apis");

      const preferred = new Set(body.groups?.map((group) => group.preferredVersion.groupVersion));
      for (const wanted of GROUP_VERSIONS) assert.ok(preferred.has(wanted), `${wanted} is missing`);
    },
  },
  {
    name: "/api/v1 and /apis/<group>/<version> list kind, scope, short names and verbs",
    async run(cluster) {
      const core = await ask(cluster, "GET", "/api/v1");
      const apps = await ask(cluster, "GET", "/apis/apps/v1");

      const configMaps = core.body.resources?.find(({ name }) => name === "configmaps");
      assert.deepEqual([configMaps?.kind, configMaps?.namespaced, configMaps?.shortNames], ["ConfigMap", true, ["cm"]]);
      assert.deepEqual([...configMaps?.verbs ?? []].sort(), ALL_VERBS);
      const namespaces = core.body.resources?.find(({ name }) => name === "namespaces");
      assert.equal(namespaces?.namespaced, false);
      assert.ok(!namespaces?.verbs.includes("deletecollection"));
      const names = new Set(apps.body.resources?.map(({ name }) => name));
      for (const name of ["deployments", "deployments/status", "deployments/scale"]) assert.ok(names.has(name), name);
    },
  },
  {
    name: "a path of an unknown group is 404 in plain text",
    async run(cluster) {
      const { status, text } = await ask(cluster, "GET", "/apis/nothing.example/v1");

      assert.deepEqual([status, text], [404, "404 page not found\n"]);
    },
  },
  {
    name: "a path that a known group does not have is 404 NotFound",
    async run(cluster) {
      for (const path of ["/apis/apps/v2", "/apis/apps/v1/namespaces/default/nothings", "/api/v1/nothings"]) {
        const { status, body } = await ask(cluster, "GET", path);
        assert.deepEqual([status, body.reason, body.details], [404, "NotFound", {}], path);
      }
    },
  },
];

const ALL_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

const GROUP_VERSIONS = [
  "apps/v1",
  "batch/v1",
  "networking.k8s.io/v1",
  "rbac.authorization.k8s.io/v1",
  "policy/v1",
  "autoscaling/v2",
  "storage.k8s.io/v1",
  "apiextensions.k8s.io/v1",
  "coordination.k8s.io/v1",
  "scheduling.k8s.io/v1",
];
