import assert from "node:assert/strict";
import { AWAY } from "$lib/away.ts";
import { type ObjectResult, REPORT_REASONS } from "$lib/wire/event.ts";
import { slug } from "github-slugger";
import { CAUSE_ORDER, type CauseFacts, causesOf, documented } from "./causes.ts";
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

function causes(delivery: Partial<Delivery>, facts: Partial<CauseFacts> = {}) {
  return causesOf({ seen: seen(delivery), limits: LIMITS, ...facts });
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

Deno.test("causesOf() tells refusals by the API server's words, and quotes the line with them, whichever it is", () => {
  const refused = (line: string) => {
    const message = `1 failed, 2 unchanged\nSecret "other": document 1, line 1: bad\n${line}\nmore`;
    const [cause] = causes({ state: "failed", reason: "refused", message });
    return { code: cause?.code, next: cause?.next, isQuoted: cause?.text.endsWith(line) };
  };
  const codeOf = (line: string) => refused(line).code;

  assert.deepEqual(
    refused(
      'ConfigMap "x" in namespace "shop": document 2, line 3: configmaps "x" is forbidden: exceeded quota: q, used',
    ),
    { code: "quota", next: "kubectl edit resourcequota q --namespace shop", isQuoted: true },
  );
  assert.deepEqual(
    refused('ConfigMap "x" in namespace "shop": document 2, line 3: namespaces "shop" not found'),
    { code: "namespace_missing", next: "kubectl create namespace shop", isQuoted: true },
  );
  assert.equal(codeOf('admission webhook "w" denied the request: no'), "admission");
  assert.equal(codeOf('pods "x" is forbidden: violates PodSecurity "restricted:latest": privileged'), "admission");
  assert.equal(codeOf('pods "x" is forbidden: maximum cpu usage per Container is 1'), "admission");
  assert.equal(codeOf('Internal error occurred: failed calling webhook "w": connection refused'), "webhook_away");
  assert.equal(codeOf('there is no kind "Web" in "example/v1"'), "type_missing");
  assert.equal(codeOf('Apply failed with 1 conflict: conflict with "hand"'), "conflict");
  assert.equal(codeOf('ConfigMap "x": document 1, line 1: it belongs to the Helm release "r"'), "other_tool");
  assert.equal(codeOf('ConfigMap "x": document 1, line 1: it belongs to stack "r" of agent "a"'), "wanted_elsewhere");
  assert.equal(codeOf('configmaps "x" is forbidden: User "u" cannot patch resource "configmaps"'), "rights");
  assert.equal(codeOf('Job.batch "x" is invalid: spec.template: Invalid value: field is immutable'), "immutable");
  assert.equal(codeOf("spec: Forbidden: spec is immutable after creation except resources.requests"), "immutable");
  assert.equal(codeOf('roleRef: Invalid value: {"kind":"Role"}: cannot change roleRef'), "immutable");
  assert.equal(codeOf('spec.clusterIPs[0]: Invalid value: ["10.0.0.9"]: may not change once set'), "immutable");
  assert.equal(codeOf('Service "conflicts" is invalid: spec.ports[0].port: Invalid value: 0'), "refused");
  assert.equal(codeOf("spec: Forbidden: updates to statefulset spec for fields other than 'replicas'"), "immutable");
});

Deno.test("causesOf() quotes what is no refusal it knows from its first line that is no summary, within bounds", () => {
  const of = (message: string) => causes({ state: "failed", reason: "refused", message })[0];

  assert.deepEqual([of("1 failed\nWeb: Invalid value")?.code, of("1 failed\nWeb: Invalid value")?.text], [
    ...["refused", "The API server refuses it: Web: Invalid value"],
  ]);
  assert.equal(of("2 failed")?.text, "The API server refuses it");
  assert.ok((of("x".repeat(1e6))?.text ?? "").length < 600);
});

Deno.test("causesOf() says that a submission is not settled, where it is newer than what is delivered", () => {
  const submission = (sequenceId: number, isSettled: boolean) => ({
    ...{ sequenceId, isSettled, submittedAt: AT, isRepeatable: true },
  });
  const of = (...submissions: CauseFacts["submissions"] & object) => causes({}, { submissions })[0]?.code;

  assert.equal(of(submission(2, false), submission(1, true)), "not_settled");
  assert.equal(of(submission(1, false)), undefined);
  assert.equal(of(submission(2, true), submission(1, true)), undefined);
});

Deno.test("causesOf() sends what never worked back to the submission before it, and what worked to be looked at", () => {
  const submissions = [3, 1, 0, -1].map((sequenceId) => ({
    ...{ sequenceId, submittedAt: AT, isSettled: true, isRepeatable: sequenceId !== 0 },
  }));
  const degraded = { health: { status: "degraded", at: AT } } as const;
  const object: ObjectResult = { kind: "Pod", name: "web", action: "unchanged", health: "degraded" };
  const results = { objects: [object], omitted: 0, warnings: [] };
  const next = (delivery: Partial<Delivery>, facts: Partial<CauseFacts> = {}) =>
    causes({ ...degraded, ...delivery }, { results, submissions, ...facts })[0]?.next ?? "";

  assert.equal(next({}), "brokkr-broker rollback 'it'\\''s' --to -1");
  assert.equal(next({}, { submissions: [] }), "brokkr-broker apply -f bundle.yaml --stack 'it'\\''s'");
  assert.equal(next({ healthyAt: AT }), "kubectl describe Pod web");
  assert.equal(next({ health: { status: "progressing", at: AT } }, { results: undefined }), "");
});

Deno.test("causesOf() has what is waited for looked at where it goes, since a finalizer may keep it for ever", () => {
  const next = (line: string) =>
    causes({ state: "blocked", reason: "waiting", message: `1 unchanged\n${line}` })[0]?.next;

  assert.equal(
    next(
      'ConfigMap "a" in namespace "shop" is applied later: what it is to be in is being deleted, or another stack\'s',
    ),
    "kubectl describe Namespace shop",
  );
  assert.equal(
    next('ConfigMap "a" in namespace "shop" is being deleted; it is applied anew when it is gone'),
    "kubectl describe ConfigMap a --namespace shop",
  );
  assert.equal(next('ConfigMap "a" in namespace "shop": stack "b" has it, or comes first'), undefined);
});

Deno.test("causesOf() sends what makes no pods because a quota is full to that quota, whether it worked before or not", () => {
  const health_reason = "FailedCreate: exceeded quota: team, requested: pods=1, used: pods=4, limited: pods=4";
  const object = { group: "apps", kind: "Deployment", namespace: "shop", name: "web", action: "configured" } as const;
  const results = { objects: [{ ...object, health: "degraded", health_reason }], omitted: 0, warnings: [] } as const;
  const of = (healthyAt?: Date) => causes({ health: { status: "degraded", at: AT }, healthyAt }, { results })[0]?.next;

  const ofAll = causes({ health: { status: "degraded", at: AT, reason: `Deployment "web": ${health_reason}` } });
  assert.equal(ofAll[0]?.next, "kubectl get resourcequotas --all-namespaces");
  assert.deepEqual([of(), of(AT)], Array(2).fill("kubectl edit resourcequota team --namespace shop"));
});

Deno.test("causesOf() says that an agent does not reach its API server, while that agent is heard of", () => {
  assert.equal(codes({}, { k8sReachable: false }), "cluster_away");
  assert.equal(codes({}, { k8sReachable: false, heartbeatAgeSeconds: 60 }), "agent_late");
  assert.equal(codes({}, { k8sReachable: true }), "");
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
  const delivery = { health: { status: "degraded", at: AT }, healthyAt: AT } as const;
  const object: ObjectResult = {
    ...{ group: "apps", kind: "Deployment", namespace: "shop", name: "web'; rm -rf /" },
    ...{ action: "unchanged", health: "degraded", health_reason: "CrashLoopBackOff" },
  };
  const results = { objects: [object], omitted: 0, warnings: [] };

  const [cause] = causesOf({ seen: seen(delivery), limits: LIMITS, results });
  const stale = causesOf({ seen: seen(delivery, { heartbeatAgeSeconds: 70 }), limits: LIMITS, results });

  assert.equal(cause?.text, "It was applied and does not work: Deployment shop/web'; rm -rf /: CrashLoopBackOff");
  assert.equal(cause?.next, "kubectl describe Deployment.apps 'web'\\''; rm -rf /' --namespace shop");
  assert.deepEqual(stale.map(({ code }) => code), ["agent_late"]);
});

Deno.test("every cause has its section in the documents", async () => {
  const page = await Deno.readTextFile("docs/content/how-to/find-out-why.md");
  const anchors = page.split("\n").filter((line) => line.startsWith("### ")).map((line) => slug(line.slice(4)));

  assert.deepEqual(anchors.toSorted(), [...CAUSE_ORDER, ...AWAY.map((what) => `${what}_away`)].toSorted());
  assert.deepEqual(["agent_late", "newer"].map((code) => documented({ code, text: "", since: AT }).see), [
    "docs/content/how-to/find-out-why.md#agent_late",
    "docs/content/how-to/find-out-why.md",
  ]);
});
