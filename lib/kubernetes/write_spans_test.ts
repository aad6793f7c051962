import assert from "node:assert/strict";
import { INVALID_SPAN_CONTEXT } from "@opentelemetry/api";
import { Failure } from "$lib/error.ts";
import type { Span, Tracing } from "$lib/tracing.ts";
import { recordedTracing } from "../../tests/fakes/recorded_spans.ts";
import type { HttpAnswer } from "./exchange.ts";
import type { NamedRequest, Sender } from "./sender.ts";
import type { ApiResource, Kubernetes } from "./types.ts";
import { kubernetesVerbs } from "./verbs.ts";
import { withWriteSpans } from "./write_spans.ts";

const DEPLOYMENTS: ApiResource = {
  ...{ apiVersion: "apps/v1", kind: "Deployment", resource: "deployments" },
  ...{ namespaced: true, verbs: [] },
};
const PLACE = { resource: DEPLOYMENTS, namespace: "shop", name: "web" };
const OBJECT = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" }, secret: "hidden" };

/** A door over these answers, and what is asked through it. */
function door(tracing: Pick<Tracing, "current">, ...answers: readonly (number | Failure)[]) {
  const asked: NamedRequest[] = [];
  const left = [...answers];
  const send: Sender = (request) => {
    asked.push(request);
    const next = left.shift() ?? 200;
    const answer: HttpAnswer = { status: Number(next), headers: {}, text: JSON.stringify(OBJECT) };
    return next instanceof Failure ? Promise.reject(next) : Promise.resolve(answer);
  };
  const server = () => "https://api.example:6443";
  const verbs = kubernetesVerbs(withWriteSpans(send, { tracing, server }), () => ReadableStream.from<string>([]));
  return { asked, verbs: verbs as Kubernetes };
}

/** Traces, and a span of work that is sampled. */
function working() {
  const { tracing, spans } = recordedTracing();
  const work = tracing.begin("apply stack");
  assert.ok(work);
  return { tracing, spans, work };
}

Deno.test("a write is a span of the work that it is part of, which the API server is told; a read, and what is tried only, is none", async () => {
  const { tracing, spans, work } = working();
  const { asked, verbs } = door(tracing);

  await tracing.within(work, async () => {
    await verbs.get(PLACE);
    await verbs.apply(PLACE, OBJECT, { dryRun: true });
    await verbs.apply(PLACE, OBJECT);
    await verbs.create(DEPLOYMENTS, { ...OBJECT, metadata: { name: "web", namespace: "shop" } });
    await verbs.patch(PLACE, {});
    await verbs.delete(PLACE, { uid: "u" });
  });
  await verbs.apply(PLACE, OBJECT);

  const sent = await spans();
  const path = "/apis/apps/v1/namespaces/{namespace}/deployments";
  assert.deepEqual(sent.map(({ name }) => name), [
    `PATCH ${path}/{name}`,
    `POST ${path}`,
    `PATCH ${path}/{name}`,
    `DELETE ${path}/{name}`,
  ]);
  assert.ok(
    sent.every(({ kind, parentId, status }) =>
      kind === "client" && parentId === work.context.spanId && status === "unset"
    ),
  );
  const headers = sent.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`);
  const none = undefined;
  assert.deepEqual(asked.map(({ headers }) => headers.traceparent), [none, none, ...headers, none]);
  const measured = asked.map(({ span }) => span?.spanId);
  assert.deepEqual(measured, [none, none, ...sent.map(({ spanId }) => spanId), none]);
  assert.deepEqual(sent[0]?.attributes, {
    "http.request.method": "PATCH",
    "http.response.status_code": 200,
    "url.template": `${path}/{name}`,
    "server.address": "api.example",
    "server.port": 6443,
    "brokkr.kubernetes.operation": "apply",
    "brokkr.object.api_version": "apps/v1",
    "brokkr.object.kind": "Deployment",
    "brokkr.object.name": "web",
    "k8s.deployment.name": "web",
    "k8s.namespace.name": "shop",
  });
});

Deno.test("a write's span says why it failed: by the status, or by the kind of failure; gone already is no failure", async () => {
  const { tracing, spans, work } = working();
  const refused = new Failure("kubernetes_rejected", "Cannot", { details: { status: 409 } });
  const gone = new Failure("kubernetes_rejected", "Cannot", { details: { status: 404, reason: "NotFound" } });
  const { verbs } = door(tracing, refused, new Failure("kubernetes_unavailable", "Cannot"), gone);

  await tracing.within(work, async () => {
    await assert.rejects(verbs.apply(PLACE, OBJECT));
    await assert.rejects(verbs.apply(PLACE, OBJECT));
    assert.equal(await verbs.delete(PLACE, { uid: "u" }), "gone");
  });

  const said = (await spans()).map(({ attributes, status }) => [
    attributes["error.type"],
    attributes["http.response.status_code"],
    status,
  ]);
  assert.deepEqual(said, [["409", 409, "error"], ["kubernetes_unavailable", undefined, "error"], [
    undefined,
    404,
    "unset",
  ]]);
});

Deno.test("a write that is part of what is only noted is noted, and the API server is not told", async () => {
  const begun: string[] = [];
  const span: Span = {
    context: INVALID_SPAN_CONTEXT,
    hasEnded: false,
    begin: (name) => {
      begun.push(name);
      return span;
    },
    beginBy: (describe) => span.begin(...describe()),
    set: () => {},
    end: () => {},
  };
  const { asked, verbs } = door({ current: () => span });

  await verbs.apply(PLACE, OBJECT);

  assert.deepEqual([begun.length, asked[0]?.headers.traceparent], [1, undefined]);
});
