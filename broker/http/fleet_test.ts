import assert from "node:assert/strict";
import { z } from "zod";
import { StackSubmission } from "$lib/wire/stack.ts";
import { apiOver, buildWorld, undone, type World } from "../../tests/fakes/api_world.ts";
import { embeddedDatabase } from "../../tests/fakes/databases.ts";
import type { Store } from "../store/mod.ts";
import { openStore } from "../store/open.ts";
import { ALWAYS_ADMIN } from "./auth.ts";

const API = "/api/v1";
/** Whoever has ever been heard of is late. */
const ALWAYS_LATE = { lateAfterSeconds: 0, lostAfterSeconds: 300 };
const CHECKED_AT = "2026-01-01T00:00:00+00:00";

type Body = Readonly<Record<string, unknown>>;

/** One database for this file; what a step writes is undone. */
Deno.test("fleet, health and history over HTTP", async (t) => {
  await using held = await embeddedDatabase();
  const kept = openStore(held.database);
  const world = await buildWorld(kept);
  for (const [claim, check] of CLAIMS) {
    await t.step(claim, () => undone(kept, (store) => check(world, store)));
  }
});

const CLAIMS: readonly (readonly [claim: string, check: (world: World, store: Store) => Promise<void>])[] = [
  ["health of existing agents comes back in their words, but for the new ones nobody is told", async (world, store) => {
    const ask = apiOver(store);
    await store.agents.heartbeat(world.agentId, {});
    const summary = { pods_ready: 0, pods_total: 1, conditions: ["CrashLoopBackOff"] };

    const sent = await patch(world, store, { status: "failing", summary });

    const ofStack = (await ask({ path: `${API}/stacks/${world.stackId}/health`, key: world.keys.admin })).body;
    const ofObject = (await ask({ path: `${API}/deployment-objects/${world.objectId}/health`, key: world.keys.admin }))
      .body as { readonly overall_status: string; readonly health_records: readonly Body[] };
    const counts = { healthy_agents: 0, degraded_agents: 1, failing_agents: 0 };
    assert.deepEqual([sent.status, sent.text], [200, ""]);
    assert.deepEqual(ofStack, {
      stack_id: world.stackId,
      deployment_objects: [{ id: world.objectId, status: "degraded", ...counts }],
      overall_status: "degraded",
    });
    const [record] = ofObject.health_records;
    assert.deepEqual([ofObject.overall_status, record?.status, record?.summary, record?.agent_id], [
      ...["degraded", "degraded", "CrashLoopBackOff", world.agentId],
    ]);
    assert.equal(record?.checked_at, "2026-01-01T00:00:00.000Z");
  }],
  [
    "of an agent that is late nothing is healthy, degraded or failing in any of the old shapes",
    async (world, store) => {
      await store.agents.heartbeat(world.agentId, {});
      await patch(world, store, { status: "healthy" });
      const ask = apiOver(store, { limits: ALWAYS_LATE });
      const get = async (path: string) => (await ask({ path: `${API}${path}`, key: world.keys.admin })).body as Body;

      const stack = await get(`/stacks/${world.stackId}/health`) as { readonly deployment_objects: readonly Body[] };
      const object = await get(`/deployment-objects/${world.objectId}/health`);
      const [history] = await get(`/stacks/${world.stackId}/history`) as unknown as readonly Body[];

      assert.equal(object.overall_status, "unknown");
      assert.deepEqual(stack.deployment_objects, [
        { id: world.objectId, status: "unknown", healthy_agents: 0, degraded_agents: 0, failing_agents: 0 },
      ]);
      assert.deepEqual([history?.agents_applied, history?.agents_healthy], [1, 0]);
    },
  ],
  [
    "a history names who submitted; the admin at the broker's own socket, who has no key, without an id",
    async (world, store) => {
      const submit = { method: "POST", path: `${API}/stacks/${world.stackId}/deployment-objects` };
      const socket = apiOver(store, { authenticator: ALWAYS_ADMIN });
      await socket({ ...submit, body: { yaml_content: bundleOf("one") } });
      await apiOver(store)({ ...submit, key: world.keys.generator, body: { yaml_content: bundleOf("two") } });

      const { body } = await socket({ path: `${API}/stacks/${world.stackId}/history` });

      const [keyed, keyless] = z.array(StackSubmission).parse(body).map((one) => one.submitted_by);
      assert.equal(keyed?.role, "generator");
      assert.match(keyed?.id ?? "", /^[0-9a-f-]{36}$/);
      assert.deepEqual(keyless, { role: "admin", id: null, name: null });
    },
  ],
  [
    "a status that is none is refused, and what is no more is passed over, and another's is refused",
    async (world, store) => {
      const code = async (record: Body) => {
        const { status, body } = await patch(world, store, record);
        return status === 200 ? "200" : (body as { readonly code: string }).code;
      };
      const { id: stackId } = await store.stacks.add({ name: "another", generatorId: world.otherGeneratorId });
      const checksum = { yamlContent: "a: b", yamlChecksum: "0".repeat(64), isDeletionMarker: false };
      const { object } = await store.objects.submit({ stackId, ...checksum });

      assert.equal(await code({ status: "well" }), "invalid_health_record");
      assert.equal(await code({ status: "healthy", id: world.agentId }), "200");
      assert.equal(await code({ status: "healthy", id: object.id }), "agent_not_associated");
    },
  ],
  ["the fleet is every agent, with what its deliveries are", async (world, store) => {
    await store.agents.heartbeat(world.agentId, { k8sReachable: true });
    await store.deliveries.report({
      ...{ agentId: world.agentId, stackId: world.stackId, state: "failed" },
      health: { status: "degraded", at: new Date(CHECKED_AT) },
    });
    const ask = apiOver(store);

    const fleet = (await ask({ path: `${API}/fleet`, key: world.keys.admin })).body as readonly Body[];
    const ofGenerator = (await ask({ path: `${API}/fleet?pak_id=${world.generatorId}`, key: world.keys.admin })).body;
    const one = (await ask({ path: `${API}/agents/${world.agentId}/fleet-status`, key: world.keys.admin })).body as {
      readonly record: Body;
      readonly recent_events: readonly Body[];
    };

    assert.deepEqual(fleet.map(({ name, health_failing: failing }) => [name, failing]), [["a1", 1], ["a2", 0]]);
    assert.deepEqual((ofGenerator as readonly Body[]).map(({ name }) => name), ["a1"]);
    assert.deepEqual([one.record.health_degraded, one.record.pending_object_count, one.record.k8s_reachable], [
      ...[0, 0, true],
    ]);
    assert.deepEqual(one.recent_events.map(({ status }) => status), ["FAILURE", "SUCCESS"]);
  }],
  ["a large fleet is one list, read batch by batch", async (world, store) => {
    const hash = () => crypto.getRandomValues(new Uint8Array(32)).toHex();
    for (let made = 0; made < 505; made += 1) {
      await store.agents.add({ name: `many-${made}`, clusterName: "c", pakHash: hash(), generatorIds: [] });
    }

    const { body } = await apiOver(store)({ path: `${API}/fleet`, key: world.keys.admin });

    assert.equal(new Set((body as readonly Body[]).map(({ agent_id: id }) => id)).size, 507);
  }],
  ["a stack's history says who submitted what, and a rollback submits it again", async (world, store) => {
    const ask = apiOver(store);
    const path = `${API}/stacks/${world.stackId}`;
    const key = world.keys.generator;
    const bundle = { yaml_content: "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: other\n" };
    await ask({ method: "POST", path: `${path}/deployment-objects`, key, body: bundle });

    const back = await ask({ method: "POST", path: `${path}/rollback`, key, body: { sequence_id: world.sequenceId } });
    const none = await ask({ method: "POST", path: `${path}/rollback`, key, body: { sequence_id: 0 } });
    const history = (await ask({ path: `${path}/history`, key })).body as readonly Body[];

    const { yaml_checksum: checksum } = back.body as Body;
    const [newest, , first] = history;
    assert.equal(back.status, 201);
    assert.deepEqual(history.map((one) => one.yaml_checksum === checksum), [true, false, true]);
    assert.deepEqual(newest?.submitted_by, { role: "generator", id: world.generatorId, name: "shop" });
    assert.deepEqual([first?.submitted_by, first?.agents_applied], [null, 1]);
    assert.deepEqual([newest?.agents_desired, first?.agents_desired], [1, 0]);
    assert.deepEqual([none.status, (none.body as Body).code], [404, "deployment_object_not_found"]);
  }],
  ["what retention took, and a deletion marker, is not rolled back to", async (world, store) => {
    const key = world.keys.generator;
    const submit = { stackId: world.stackId, yamlContent: "", isDeletionMarker: true, yamlChecksum: "1".repeat(64) };
    const marker = await store.objects.submit(submit);
    for (let more = 2; more < 4; more += 1) {
      await store.objects.submit({ ...submit, isDeletionMarker: false, yamlChecksum: `${more}`.repeat(64) });
    }
    const taken = await store.objects.submit({ ...submit, isDeletionMarker: false, yamlChecksum: "4".repeat(64) });
    await store.objects.submit({ ...submit, isDeletionMarker: false, yamlChecksum: "5".repeat(64) });
    await store.deliveries.report({ agentId: world.agentId, stackId: world.stackId, state: "applied" });
    await store.retention.purgeBodies(1, 100);
    const back = async (sequenceId: number) => {
      const path = `${API}/stacks/${world.stackId}/rollback`;
      const { status, body } = await apiOver(store)({ method: "POST", path, key, body: { sequence_id: sequenceId } });
      return [status, (body as Body).code];
    };

    assert.deepEqual(await back(taken.object.sequenceId), [409, "body_not_kept"]);
    assert.deepEqual(await back(marker.object.sequenceId), [400, "invalid_deployment_object"]);
  }],
];

function patch({ agentId, objectId, keys }: World, store: Store, record: Body) {
  const body = { deployment_objects: [{ id: objectId, checked_at: CHECKED_AT, ...record }] };
  return apiOver(store)({ method: "PATCH", path: `${API}/agents/${agentId}/health-status`, key: keys.agent, body });
}

function bundleOf(name: string): string {
  return JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
}
