import assert from "node:assert/strict";
import { eventually } from "../../system/wait.ts";
import { startSimulatedCluster } from "./mod.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";

Deno.test("control() writes its field back whenever somebody changes it, as its own manager", async () => {
  await using cluster = await startSimulatedCluster({ controllerDelayMs: 1 });
  await cluster.write({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "one" }, data: { size: "1" } });
  const stop = cluster.control(
    "scaler",
    ({ kind, metadata }) => kind === "ConfigMap" && metadata.name === "one" ? { data: { size: "5" } } : undefined,
  );
  await eventually("it is scaled", async () => (await sizeOf()) === "5");

  await cluster.change(`${CONFIG_MAPS}/one`, { data: { size: "2" } }, "person");
  await eventually("it is scaled", async () => (await sizeOf()) === "5");
  const entries = (await cluster.read(`${CONFIG_MAPS}/one`))?.metadata.managedFields ?? [];
  stop();
  await cluster.change(`${CONFIG_MAPS}/one`, { data: { size: "3" } }, "person");

  assert.deepEqual(entries.find(({ manager }) => manager === "scaler")?.fieldsV1, { "f:data": { "f:size": {} } });
  assert.equal(await sizeOf(), "3");

  async function sizeOf(): Promise<unknown> {
    return (await cluster.read(`${CONFIG_MAPS}/one`) as { data?: { size?: string } })?.data?.size;
  }
});

Deno.test("plant() makes its object in every namespace, and again after each deletion", async () => {
  await using cluster = await startSimulatedCluster({ controllerDelayMs: 1 });
  cluster.plant(
    "mesh",
    () => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "mesh-ca" }, data: { a: "1" } }),
  );
  const uid = async () => (await cluster.read(`${CONFIG_MAPS}/mesh-ca`))?.metadata.uid;
  await eventually("it is planted", async () => await uid() !== undefined);
  const first = await uid();

  await cluster.remove(`${CONFIG_MAPS}/mesh-ca`);
  await eventually("it is planted", async () => await uid() !== undefined);
  await cluster.write({ apiVersion: "v1", kind: "Namespace", metadata: { name: "later" } });

  await eventually("it is there too", () => cluster.read("/api/v1/namespaces/later/configmaps/mesh-ca"));
  assert.notEqual(await uid(), first);
});

Deno.test("refuse() says no with its reason to applies and dry runs, until it is taken back", async () => {
  await using cluster = await startSimulatedCluster();
  const allow = cluster.refuse(({ metadata }) => metadata.labels?.team === undefined ? "a team is missing" : undefined);
  const applied = async (labels: Record<string, string>, query = "") => {
    const response = await fetch(`${cluster.url}${CONFIG_MAPS}/one?fieldManager=tool${query}`, {
      method: "PATCH",
      headers: { "content-type": "application/apply-patch+yaml" },
      body: JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "one", labels } }),
    });
    return [response.status, (await response.json()).message];
  };

  const answers = [await applied({}), await applied({}, "&dryRun=All"), await applied({ team: "a" })];
  allow();

  const no = [403, 'admission webhook "by-hand.example.com" denied the request: a team is missing'];
  assert.deepEqual(answers, [no, no, [201, undefined]]);
  assert.deepEqual(await applied({}), [200, undefined]);
});

Deno.test("arrivals and requests tell place, manager, dry run and as whom a client acts", async () => {
  await using cluster = await startSimulatedCluster();
  const contentType = "application/apply-patch+yaml";
  const body = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "one" } });

  const response = await fetch(`${cluster.url}${CONFIG_MAPS}/one?fieldManager=tool&dryRun=All`, {
    method: "PATCH",
    headers: { "content-type": contentType, "impersonate-user": "team", "impersonate-group": "a, b" },
    body,
  });
  await response.body?.cancel();

  const [arrival] = cluster.arrivals;
  const { status, startedAtMs: _, ...request } = cluster.requests[0] ?? assert.fail("no request was recorded");
  assert.deepEqual([request, status], [arrival, 201]);
  const { group, resource, namespace, name, user, groups, manager, isDryRun } = request;
  assert.deepEqual({ group, resource, namespace, name, user, groups, manager, isDryRun, type: request.contentType }, {
    group: "",
    resource: "configmaps",
    namespace: "default",
    name: "one",
    user: "team",
    groups: ["a", "b"],
    manager: "tool",
    isDryRun: true,
    type: contentType,
  });
});

Deno.test("fault() by place serves a request and loses its answer, or breaks off in the middle of it", async () => {
  await using cluster = await startSimulatedCluster();
  cluster.fault({ resource: "configmaps", name: "one", verb: "delete" }, { connection: "close", isServed: true });
  cluster.fault({ where: ({ name, verb }) => verb === "get" && name === "two" }, { connection: "truncate" });
  for (const name of ["one", "two"]) await cluster.write({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });

  const deleted = fetch(`${cluster.url}${CONFIG_MAPS}/one`, { method: "DELETE" }).then((response) => response.text());
  const cut = await fetch(`${cluster.url}${CONFIG_MAPS}/two`);

  await assert.rejects(deleted, TypeError);
  await assert.rejects(cut.text(), TypeError);
  assert.equal(await cluster.read(`${CONFIG_MAPS}/one`), undefined);
});

Deno.test("a relayed cluster freezes open connections and cuts them; new ones work", async () => {
  await using cluster = await startSimulatedCluster({ isRelayed: true });
  const { relay } = cluster;
  assert.ok(relay !== undefined);
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 1 });
  const version = (signal?: AbortSignal, through?: Deno.HttpClient) =>
    fetch(`${cluster.url}/version`, { signal, ...(through === undefined ? {} : { client: through }) })
      .then((response) => response.json());
  await version(undefined, client);
  const before = relay.taken;

  relay.freezeOpen();
  await assert.rejects(version(AbortSignal.timeout(50), client), { name: "TimeoutError" });
  using fresh = Deno.createHttpClient({});
  await version(undefined, fresh);
  const taken = relay.taken;
  relay.cut();
  await version(undefined, fresh);

  assert.deepEqual([before, taken, relay.taken], [1, 2, 3]);
});
