import assert from "node:assert/strict";
import { type ObjectResult, REPORT_REASONS } from "$lib/wire/event.ts";
import { causesOf } from "./causes.ts";
import type { Delivery } from "./delivery.ts";
import type { SeenDelivery } from "./seen_delivery.ts";

const LIMITS = { lateAfterSeconds: 60, lostAfterSeconds: 300 };
const NOW = new Date("2026-01-01T00:10:00Z");
const AT = new Date("2026-01-01T00:00:00Z");

function seen(delivery: Partial<Delivery>, agent: Partial<SeenDelivery["agent"]> = {}): SeenDelivery {
  return {
    delivery: {
      ...{ agentId: "a", stackId: "s", desiredObjectId: "o", state: "applied", attempts: 0 },
      ...{ desiredAt: AT, deliveredAt: AT, observedAt: AT },
      ...delivery,
    },
    agent: { id: "a", name: "berlin", clusterName: "b1", status: "ACTIVE", heartbeatAgeSeconds: 1, ...agent },
    stack: { id: "s", name: "it's", generatorId: "g" },
    desired: { id: "o", sequenceId: 1, submittedAt: AT },
    now: NOW,
  };
}

function codes(delivery: Partial<Delivery>, agent?: Partial<SeenDelivery["agent"]>): string {
  return causesOf({ seen: seen(delivery, agent), limits: LIMITS }).map(({ code }) => code).join(" ");
}

Deno.test("causesOf() finds none of what is applied and works, or of whose health nothing is said, or of what is gone", () => {
  const healthy = { status: "healthy", at: AT } as const;

  assert.deepEqual([codes({ health: healthy }), codes({}), codes({ state: "removed" }, { heartbeatAgeSeconds: 900 })], [
    ...["", "", ""],
  ]);
});

Deno.test("causesOf() names the agent before what it last said", () => {
  const failed = { state: "failed", reason: "refused", message: "x" } as const;
  const { heartbeatAgeSeconds: _, ...never } = seen({}).agent;

  assert.equal(codes(failed, { status: "INACTIVE" }), "agent_inactive refused");
  assert.equal(codes(failed, { heartbeatAgeSeconds: 60 }), "agent_late refused");
  assert.equal(codes(failed, { heartbeatAgeSeconds: 300, status: "INACTIVE" }), "agent_inactive agent_lost refused");
  assert.equal(codes({}, { heartbeatAgeSeconds: 300 }), "agent_lost");
  const unheard = { ...seen({ state: "pending", deliveredAt: undefined }), agent: never };
  const causes = causesOf({ seen: unheard, limits: LIMITS });
  assert.deepEqual(causes.map(({ code }) => code), ["agent_never_connected", "not_polled"]);
});

Deno.test("causesOf() tells how far it is while nothing is wrong", () => {
  assert.equal(codes({ state: "pending", deliveredAt: undefined }), "not_polled");
  assert.equal(codes({ state: "pending" }), "in_progress");
  assert.equal(codes({ state: "applying" }), "in_progress");
  assert.equal(codes({ state: "terminating" }), "removing");
});

Deno.test("causesOf() explains every reason of our agent in words of its own, and keeps one that it does not know", () => {
  const explain = (reason: string) => causesOf({ seen: seen({ state: "blocked", reason }), limits: LIMITS })[0];

  const texts = REPORT_REASONS.map((reason) => explain(reason)?.text);
  assert.deepEqual(REPORT_REASONS.map((reason) => explain(reason)?.code), REPORT_REASONS);
  assert.equal(new Set(texts).size, REPORT_REASONS.length);
  assert.deepEqual([explain("newer")?.code, explain("constructor")?.text], ["newer", "The agent could not do it"]);
});

Deno.test("causesOf() tells refusals by the API server's words, and quotes them to the first line's end", () => {
  const refused = (message: string) => {
    const [cause] = causesOf({ seen: seen({ state: "failed", reason: "refused", message }), limits: LIMITS });
    return [cause?.code, cause?.text];
  };

  assert.deepEqual(refused("pods x is forbidden: exceeded quota: q\nmore"), [
    "quota",
    "A quota of the namespace is full: pods x is forbidden: exceeded quota: q",
  ]);
  assert.equal(refused('admission webhook "w" denied the request')[0], "admission");
  assert.equal(refused('namespaces "shop" not found')[0], "namespace_missing");
  assert.equal(refused('no matches for kind "Web"')[0], "type_missing");
  assert.equal(refused("Apply failed with 1 conflict")[0], "conflict");
  assert.equal(refused("is forbidden: User cannot")[0], "rights");
  assert.equal(refused("Invalid value")[0], "refused");
  assert.ok((refused("x".repeat(1e6))[1] ?? "").length < 600);
});

Deno.test("causesOf() says when it is tried again, after why", () => {
  const nextRetryAt = new Date("2026-01-01T00:11:00Z");

  const causes = causesOf({
    seen: seen({ state: "failed", reason: "unavailable", nextRetryAt, attempts: 3 }),
    limits: LIMITS,
  });

  assert.deepEqual(causes.map(({ code }) => code), ["unavailable", "retried"]);
  assert.equal(causes[1]?.text, "It is tried again at 2026-01-01T00:11:00.000Z, after 3 tries");
});

Deno.test("causesOf() names the object that is not healthy, and says how to look at it, whatever its name", () => {
  const delivery = { health: { status: "degraded", at: AT } } as const;
  const object: ObjectResult = {
    ...{ group: "apps", kind: "Deployment", namespace: "shop", name: "web'; rm -rf /" },
    ...{ action: "unchanged", health: "degraded", health_reason: "CrashLoopBackOff" },
  };
  const results = { objects: [object], omitted: 0, warnings: [] };

  const [cause] = causesOf({ seen: seen(delivery), limits: LIMITS, results });
  const stale = causesOf({ seen: seen(delivery, { heartbeatAgeSeconds: 70 }), limits: LIMITS, results });

  assert.equal(cause?.text, "It was applied and is degraded: Deployment shop/web'; rm -rf /: CrashLoopBackOff");
  assert.equal(cause?.next, "kubectl describe Deployment.apps 'web'\\''; rm -rf /' --namespace shop");
  assert.deepEqual(stale.map(({ code }) => code), ["agent_late"]);
});

Deno.test("causesOf() names pages that there are", async () => {
  const reasons = [...REPORT_REASONS, "newer"];
  const causes = reasons.flatMap((reason) =>
    causesOf({ seen: seen({ state: "blocked", reason }, { heartbeatAgeSeconds: 900 }), limits: LIMITS })
  );

  for (const { see } of causes) assert.ok((await Deno.stat(`docs/content/${see}`)).isFile, see);
});
