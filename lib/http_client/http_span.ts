import { type Attributes, SpanKind } from "@opentelemetry/api";
import { isFailure } from "$lib/error.ts";
import type { SpanOptions, SpanOutcome } from "$lib/tracing.ts";

/** A request to another program, as its span says it: never its path, which holds names, nor its query. */
export interface SpannedRequest {
  readonly method: string;
  /** Where the server is. */
  readonly server: URL;
  /** The path with its variable parts in braces. */
  readonly template: string;
  /** What is known of it besides. */
  readonly attributes?: Attributes;
}

/** The name and the options of a request's span, by OpenTelemetry's conventions for HTTP clients. */
export function requestSpan(
  { method, server: { hostname, port, protocol }, template, attributes }: SpannedRequest,
): readonly [name: string, options: SpanOptions] {
  return [`${method} ${template}`, {
    kind: SpanKind.CLIENT,
    attributes: {
      "http.request.method": method,
      "url.template": template,
      "server.address": hostname,
      "server.port": port === "" ? (protocol === "https:" ? 443 : 80) : Number(port),
      ...attributes,
    },
  }];
}

/** The status of the answer that a request's failure is about, where there was one. */
export function statusOf(error: unknown): number | undefined {
  const status = isFailure(error) ? error.details?.status : undefined;
  return typeof status === "number" ? status : undefined;
}

/** How a request's span came out that ended with an error: by the answer's status, where there was an answer. */
export function requestOutcome(error: unknown): SpanOutcome {
  const status = statusOf(error);
  return status === undefined ? { error } : { errorType: String(status) };
}
