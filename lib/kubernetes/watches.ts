import type { Failure } from "$lib/error.ts";
import { metadataOnly } from "./lists.ts";
import { refusalOf, refused } from "./refusal.ts";
import { listRequest, parsedAnswer } from "./requests.ts";
import type { NamedRequest } from "./sender.ts";
import type { ApiResource, ObjectMeta, WatchEvent, WatchOptions } from "./types.ts";

/**
 * Opens an answer that goes on, once, and counts how that went; its lines, until the server ends it.
 *
 * @throws {Failure} as `Kubernetes` says; the signal's reason when it aborts.
 */
export type LineSource = (request: NamedRequest, signal: AbortSignal) => AsyncIterable<string>;

const METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/** The events of a watch. */
export async function* watchMetadata(
  open: LineSource,
  resource: ApiResource,
  { signal, ...selection }: WatchOptions,
): AsyncIterable<WatchEvent> {
  const request = watchRequest(resource, selection);
  for await (const text of open(request, signal)) {
    const { type, object } = parsedAnswer<RawEvent>({ text, status: 200 });
    if (type === "ERROR") throw errorOf(request, object);
    const event = EVENTS[type];
    if (event !== undefined) yield { type: event, object: metadataOnly(resource, object.metadata) };
  }
}

const EVENTS: Readonly<Record<string, WatchEvent["type"]>> = {
  ADDED: "added",
  MODIFIED: "modified",
  DELETED: "deleted",
  BOOKMARK: "bookmark",
};

interface RawEvent {
  readonly type: string;
  readonly object: { readonly metadata: ObjectMeta; readonly code?: number };
}

function watchRequest(
  resource: ApiResource,
  { namespace, labelSelector, resourceVersion }: Omit<WatchOptions, "signal">,
): NamedRequest {
  const query = { watch: "true", allowWatchBookmarks: "true", resourceVersion };
  const request = listRequest(resource, { namespace, labelSelector, ...query });
  return { ...request, operation: "watch", headers: { accept: METADATA }, what: request.what.replace("list", "watch") };
}

/** The server has answered 200 already: what it then cannot do stands in an event, as the `Status` of a refusal. */
function errorOf({ what }: NamedRequest, status: RawEvent["object"]): Failure {
  return refused(what, refusalOf({ status: status.code ?? 500, headers: {}, text: JSON.stringify(status) }));
}
