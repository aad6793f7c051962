import { requestOutcome, requestSpan, statusOf } from "$lib/http_client/http_span.ts";
import { isSampled, traceHeaders } from "$lib/traceparent.ts";
import { endAfter, type Span, type SpanDescription, type Tracing } from "$lib/tracing.ts";
import type { HttpAnswer } from "./exchange.ts";
import { groupPath } from "./requests.ts";
import { isWrite, type NamedRequest, type Sender } from "./sender.ts";
import type { ObjectPlace } from "./types.ts";

/** What spans of writes need. */
export interface WriteSpansParts {
  readonly tracing: Pick<Tracing, "current">;
  /** Where the API server is now. */
  readonly server: () => string;
}

/** The kinds whose names OpenTelemetry has attributes for. */
const NAMED_KINDS: Readonly<Record<string, string>> = {
  "v1 Node": "k8s.node.name",
  "v1 Pod": "k8s.pod.name",
  "apps/v1 DaemonSet": "k8s.daemonset.name",
  "apps/v1 Deployment": "k8s.deployment.name",
  "apps/v1 ReplicaSet": "k8s.replicaset.name",
  "apps/v1 StatefulSet": "k8s.statefulset.name",
  "batch/v1 CronJob": "k8s.cronjob.name",
  "batch/v1 Job": "k8s.job.name",
};

/**
 * Gives each write a span of the work that it is part of, all its tries together. The API server is told of a span that
 * is sampled, and goes on with it where it believes who asks.
 */
export function withWriteSpans(send: Sender, { tracing, server }: WriteSpansParts): Sender {
  return (request, signal) => {
    const { place } = request;
    const work = isWrite(request) && place !== undefined ? tracing.current() : undefined;
    if (work === undefined || place === undefined) return send(request, signal);
    const at = server();
    const span = work.beginBy(() => writeSpan({ ...request, place }, at));
    return ended(span, request, () => send(withSpan(request, span), signal));
  };
}

type Write = NamedRequest & { readonly place: ObjectPlace };

function writeSpan({ method, operation, place }: Write, server: string): ReturnType<SpanDescription> {
  const { resource: { apiVersion, kind }, namespace, name } = place;
  const named = NAMED_KINDS[`${apiVersion} ${kind}`];
  return requestSpan({
    method,
    server: new URL(server),
    template: templateOf(place, method),
    attributes: {
      "brokkr.kubernetes.operation": operation,
      "brokkr.object.api_version": apiVersion,
      "brokkr.object.kind": kind,
      "brokkr.object.name": name,
      ...(named === undefined ? {} : { [named]: name }),
      ...(namespace === undefined ? {} : { "k8s.namespace.name": namespace }),
    },
  });
}

function templateOf({ resource, namespace }: ObjectPlace, method: string): string {
  const scope = namespace === undefined ? "" : "/namespaces/{namespace}";
  return `${groupPath(resource.apiVersion)}${scope}/${resource.resource}${method === "POST" ? "" : "/{name}"}`;
}

function withSpan(request: NamedRequest, { context }: Span): NamedRequest {
  if (!isSampled(context)) return request;
  return { ...request, span: context, headers: { ...request.headers, ...traceHeaders(context) } };
}

function ended(
  span: Span,
  { operation }: NamedRequest,
  send: () => Promise<HttpAnswer>,
): Promise<HttpAnswer> {
  const answered = (status: number | undefined) => {
    if (status !== undefined) span.set({ "http.response.status_code": status });
  };
  const work = async () => {
    const answer = await send();
    answered(answer.status);
    return answer;
  };
  return endAfter(span, work, (error) => {
    answered(statusOf(error));
    const isGone = operation === "delete" && statusOf(error) === 404; // no error: it was to be deleted
    return isGone ? {} : requestOutcome(error);
  });
}
