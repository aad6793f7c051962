import assert from "node:assert/strict";
import { apiOver, buildWorld, CONFIG_MAP, undone, type World } from "../../tests/fakes/api_world.ts";
import { embeddedDatabase } from "../../tests/fakes/databases.ts";
import { ManualClock } from "../../tests/fakes/manual_clock.ts";
import { judgeBundle } from "../domain/bundle_verdict.ts";
import { readSubmission } from "../domain/deployment_object.ts";
import type { Report } from "../domain/delivery.ts";
import type { Store } from "../store/mod.ts";
import { openStore } from "../store/open.ts";

const API = "/api/v1";
const NEVER_LATE = { lateAfterSeconds: 60, lostAfterSeconds: 300 };
/** Whoever has ever been heard of is late. */
const ALWAYS_LATE = { lateAfterSeconds: 0, lostAfterSeconds: 300 };
const REASON = "Deployment web: CrashLoopBackOff";
const AT = new Date(new ManualClock().now());

interface Row {
  readonly agent: { readonly connectivity: string };
  readonly health: string;
  readonly health_reason: string | null;
  readonly last_known: { readonly health: string; readonly reason: string; readonly age_seconds: number } | null;
  readonly is_stale: boolean;
  readonly objects: unknown;
}

interface Fixture {
  readonly world: World;
  readonly store: Store;
}

/** One database for this file; what a step writes is undone. */
Deno.test("deliveries over HTTP", async (t) => {
  await using held = await embeddedDatabase();
  const kept = openStore(held.database);
  const world = await buildWorld(kept);
  for (const [claim, check] of CLAIMS) {
    await t.step(claim, () => undone(kept, (store) => check({ world, store })));
  }
});

function degraded({ agentId, stackId }: World): Report {
  return {
    ...{ agentId, stackId, state: "applied" },
    health: { status: "degraded", reason: REASON, at: AT },
    results: [{ kind: "Deployment", namespace: "shop", name: "web", action: "unchanged", health: "degraded" }],
  };
}

const CLAIMS: readonly (readonly [claim: string, check: (fixture: Fixture) => Promise<void>])[] = [
  ["a delivery says what its agent said, while that is connected", async ({ world, store }) => {
    const { agentId, keys, stackId } = world;
    const one = `${API}/deliveries/${agentId}/${stackId}`;
    await store.agents.heartbeat(agentId, {});
    await store.deliveries.report(degraded(world));
    const ask = apiOver(store, { limits: NEVER_LATE });

    const [row] = (await ask({ path: `${API}/deliveries`, key: keys.admin })).body as Row[];
    const details = (await ask({ path: one, key: keys.generator })).body as Row & { history: unknown[] };

    assert.deepEqual([row?.agent.connectivity, row?.health, row?.last_known], ["connected", "degraded", null]);
    assert.deepEqual(row?.objects, { total: 1, healthy: 0, progressing: 0, degraded: 1, unknown: 0 });
    assert.equal(details.health_reason, REASON);
    assert.deepEqual((details.objects as Row[]).map(({ health }) => health), ["degraded"]);
    assert.equal(details.history.length, 1);
  }],
  ["of an agent that is late nothing is said but what was known, and how old that is", async ({ world, store }) => {
    const { agentId, stackId, keys } = world;
    await store.agents.heartbeat(agentId, {});
    await store.deliveries.report(degraded(world));
    const ask = apiOver(store, { limits: ALWAYS_LATE });
    const listed = async (query: string) =>
      ((await ask({ path: `${API}/deliveries?${query}`, key: keys.admin })).body as Row[]).length;

    const [row] = (await ask({ path: `${API}/stacks/${stackId}/deliveries`, key: keys.generator })).body as Row[];
    const agent = (await ask({ path: `${API}/agents/${agentId}`, key: keys.admin })).body as {
      readonly connectivity: string;
      readonly deliveries: { readonly by_health: Readonly<Record<string, number>> };
    };
    const one = await ask({ path: `${API}/deliveries/${agentId}/${stackId}`, key: keys.agent });
    const { objects } = one.body as { readonly objects: readonly Row[] };

    assert.deepEqual([row?.health, row?.health_reason, row?.is_stale], ["unknown", null, true]);
    assert.deepEqual([row?.last_known?.health, row?.last_known?.reason], ["degraded", REASON]);
    assert.ok((row?.last_known?.age_seconds ?? 0) > 1_000);
    assert.deepEqual(row?.objects, { total: 1, healthy: 0, progressing: 0, degraded: 0, unknown: 1 });
    assert.deepEqual(objects.map(({ health }) => health), ["unknown"]);
    assert.equal(agent.connectivity, "late");
    assert.deepEqual(agent.deliveries.by_health, { healthy: 0, progressing: 0, degraded: 0, unknown: 1 });
    assert.deepEqual(await Promise.all(["stale=true", "health=degraded", "stale=false"].map(listed)), [1, 0, 0]);
  }],
  ["a key sees its own, and what it names of another's is refused", async ({ world, store }) => {
    const { agentId, stackId, keys } = world;
    const ask = apiOver(store);
    const asked = async (key: string, query = "") => {
      const { status, body } = await ask({ path: `${API}/deliveries${query}`, key });
      return status === 200 ? (body as Row[]).length : (body as { readonly code: string }).code;
    };

    assert.deepEqual(await asked(keys.agent), 1);
    assert.deepEqual(await asked(keys.otherAgent), 0);
    assert.deepEqual(await asked(keys.generator), 1);
    assert.deepEqual(await asked(keys.otherGenerator, `?stack_id=${stackId}`), 0);
    assert.deepEqual(await asked(keys.otherAgent, `?agent_id=${agentId}`), "agent_pak_mismatch");
    assert.deepEqual(await asked(keys.otherGenerator, `?generator_id=${world.generatorId}`), "generator_not_owned");
    assert.deepEqual(await asked(keys.admin, "?state=gone"), "invalid_parameters");
  }],
  ["a page names the next one", async ({ world, store }) => {
    const { agentId, stackId, keys } = world;
    const { id } = await store.stacks.add({ name: "two", generatorId: world.generatorId });
    await store.targets.add(agentId, id);
    await store.objects.submit(
      await readSubmission(
        { stackId: id, yamlContent: CONFIG_MAP, isDeletionMarker: false },
        judgeBundle(CONFIG_MAP),
      ),
    );
    const ask = apiOver(store);
    const path = `${API}/deliveries`;

    const first = await ask({ path: `${path}?limit=1`, key: keys.admin });
    const [, next = ""] = /^<(.*)>; rel="next"$/.exec(first.headers.get("link") ?? "") ?? [];
    const second = await ask({ path: `${path}${next}`, key: keys.admin });

    const stacks = [first, second].flatMap(({ body }) => (body as readonly { stack: { id: string } }[]));
    assert.deepEqual(new Set(stacks.map(({ stack }) => stack.id)), new Set([stackId, id]));
    assert.equal(second.headers.get("link"), null);
  }],
  ["a list that a client has already is 304, until something in it or behind it is new", async ({ world, store }) => {
    const ask = apiOver(store);
    const lists = ["/stacks", "/agents?limit=1", `/stacks/${world.stackId}/history`];
    const asked = async (path: string, etag = "") => {
      const headers = { "if-none-match": etag };
      const answer = await ask({ path: `${API}${path}`, key: world.keys.admin, headers });
      return { status: answer.status, text: answer.text, etag: answer.headers.get("etag") ?? "" };
    };

    const before = await Promise.all(lists.map((path) => asked(path)));
    const again = await Promise.all(lists.map((path, at) => asked(path, before[at]?.etag)));
    await store.stacks.change(world.stackId, { name: "renamed" });
    const renamed = await asked("/stacks", before[0]?.etag);

    assert.deepEqual(before.map(({ status, etag }) => [status, /^"[0-9a-f]{32}"$/.test(etag)]), [
      ...lists.map(() => [200, true]),
    ]);
    assert.deepEqual(again.map(({ status, text }) => [status, text]), lists.map(() => [304, ""]));
    assert.equal(renamed.status, 200);
  }],
  ["what is not there is 404", async ({ world, store }) => {
    const { stackId, keys } = world;
    const ask = apiOver(store);

    const { status, body } = await ask({
      path: `${API}/deliveries/${world.otherAgentId}/${stackId}`,
      key: keys.admin,
    });

    assert.deepEqual([status, (body as { readonly code: string }).code], [404, "delivery_not_found"]);
  }],
];
