import { shownAs } from "./conversion.ts";
import { ApiFailure, expired } from "./failure.ts";
import type { JsonObject } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import { partial } from "./reads.ts";
import { apiVersionOf, type ResourceType } from "./resources.ts";
import { parseSelectors, type Selector } from "./selectors.ts";
import { storageKey, type Store, type StoreEvent } from "./store.ts";

/** What a client watches. */
export interface WatchRequest {
  readonly type: ResourceType;
  readonly namespace?: string;
  readonly query: URLSearchParams;
  readonly isPartial: boolean;
}

/** How often a watch that wants bookmarks gets one. */
const BOOKMARK_INTERVAL_MS = 1_000;

const MAX_WATCH_SECONDS = 1_800;

/** The body of a watch: one JSON event a line, until its timeout, the client or the signal ends it. */
export function watchBody(store: Store, request: WatchRequest, signal: AbortSignal): ReadableStream<Uint8Array> {
  checkRevision(request.query.get("resourceVersion") ?? "");
  const encoder = new TextEncoder();
  const ending = new AbortController();
  let isOpen = true;
  return new ReadableStream({
    start(controller) {
      const send = (event: JsonObject) => controller.enqueue(encoder.encode(`${JSON.stringify(event)}\n`));
      ending.signal.addEventListener("abort", () => isOpen && controller.close(), { once: true });
      run(store, request, { send, ending, signal });
    },
    cancel() {
      isOpen = false;
      ending.abort();
    },
  });
}

function checkRevision(version: string): void {
  if (/^\d*$/.test(version)) return;
  const why = `strconv.ParseUint: parsing "${version}": invalid syntax`;
  throw new ApiFailure(500, "", `resourceVersion: Invalid value: "${version}": ${why}`);
}

interface Wire {
  readonly send: (event: JsonObject) => void;
  /** Ends the watch. */
  readonly ending: AbortController;
  /** Ends the watch from without, with an error where its reason is a failure. */
  readonly signal: AbortSignal;
}

function run(store: Store, request: WatchRequest, { send, ending, signal }: Wire): void {
  const { query } = request;
  const isSelected = parseSelectors(query);
  const missed = missedEvents(store, query);
  if (missed === undefined) {
    const failure = expired(`too old resource version: ${query.get("resourceVersion")} (${store.revision})`);
    send({ type: "ERROR", object: failure.status() });
    return ending.abort();
  }
  if (missed === "all") { for (const event of initialEvents(store, request, isSelected)) send(event); }
  const from = Number(query.get("resourceVersion") ?? "0");
  const forward = (event: StoreEvent) => {
    if (event.revision <= from) return;
    const shown = shownEvent(request, event, isSelected);
    if (shown !== undefined) send(shown);
  };
  if (missed !== "all") missed.forEach(forward);

  const stopListening = store.subscribe(forward);
  const seconds = Math.min(Number(query.get("timeoutSeconds") ?? MAX_WATCH_SECONDS), MAX_WATCH_SECONDS);
  const timeout = setTimeout(() => ending.abort(), seconds * 1_000);
  const wantsBookmarks = query.get("allowWatchBookmarks") === "true";
  const bookmarks = wantsBookmarks
    ? setInterval(() => send(bookmark(store, request)), BOOKMARK_INTERVAL_MS)
    : undefined;
  const end = () => {
    if (signal.reason instanceof ApiFailure) send({ type: "ERROR", object: signal.reason.status() });
    ending.abort();
  };
  signal.addEventListener("abort", end, { once: true });
  ending.signal.addEventListener("abort", () => {
    stopListening();
    clearTimeout(timeout);
    clearInterval(bookmarks);
    signal.removeEventListener("abort", end);
  }, { once: true });
}

/** The changes since the client's version; `all` when it has none and gets the whole state first. */
function missedEvents(store: Store, query: URLSearchParams): readonly StoreEvent[] | "all" | undefined {
  const version = query.get("resourceVersion") ?? "";
  if (version === "" || version === "0" || query.get("sendInitialEvents") === "true") return "all";
  return store.since(Number(version));
}

function initialEvents(store: Store, request: WatchRequest, isSelected: Selector): JsonObject[] {
  const { type, namespace, query } = request;
  const added = store.list(type, namespace).filter(isSelected).map((object) => ({
    type: "ADDED",
    object: shownObject(request, object),
  }));
  if (query.get("sendInitialEvents") !== "true") return added;
  return [...added, bookmark(store, request, { "k8s.io/initial-events-end": "true" })];
}

/** The event as this client sees it: an object that leaves its selection is deleted for it. */
function shownEvent(request: WatchRequest, event: StoreEvent, isSelected: Selector): JsonObject | undefined {
  const { type, namespace } = request;
  if (event.resource !== storageKey(type)) return undefined;
  if (namespace !== undefined && event.object.metadata.namespace !== namespace) return undefined;
  const was = event.before !== undefined && isSelected(event.before);
  const is = event.type !== "DELETED" && isSelected(event.object);
  if (!was && !is) return undefined;
  const kind = was && is ? "MODIFIED" : is ? "ADDED" : "DELETED";
  return { type: kind, object: shownObject(request, kind === "DELETED" ? lastSelected(event) : event.object) };
}

/** What leaves a selection is shown as it was last in it, at the revision at which it left. */
function lastSelected({ before, object }: StoreEvent): KubeObject {
  const { resourceVersion } = object.metadata;
  return { ...object, ...before, metadata: { ...(before ?? object).metadata, resourceVersion } };
}

function shownObject({ type, isPartial }: WatchRequest, object: KubeObject): JsonObject {
  return isPartial ? partial(object) : shownAs(type, object);
}

function bookmark(store: Store, { type, isPartial }: WatchRequest, annotations?: JsonObject): JsonObject {
  const metadata = { resourceVersion: String(store.revision), creationTimestamp: null, annotations };
  const head = isPartial
    ? { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1" }
    : { kind: type.kind, apiVersion: apiVersionOf(type) };
  return { type: "BOOKMARK", object: { ...head, metadata } };
}
