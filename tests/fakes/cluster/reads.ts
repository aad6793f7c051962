import { shownAs } from "./conversion.ts";
import { ApiFailure, badRequest, expired } from "./failure.ts";
import type { JsonObject } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import { apiVersionOf, type ResourceType } from "./resources.ts";
import { parseSelectors } from "./selectors.ts";
import type { Store } from "./store.ts";

/** How many interrupted lists are remembered; older ones are answered with 410. */
const REMEMBERED_LISTS = 50;

const TOKEN_PREFIX = "simulated-";

interface Rest {
  readonly revision: number;
  readonly objects: readonly KubeObject[];
}

/** What a list answers. */
export interface Listing {
  readonly objects: readonly KubeObject[];
  /** The `metadata` of the list. */
  readonly metadata: JsonObject;
}

/** The listing verb. Pages of one list show the state at its first page. */
export class Reads {
  readonly #store: Store;
  readonly #rests = new Map<string, Rest>();

  constructor(parts: { store: Store }) {
    this.#store = parts.store;
  }

  /** Lists by the selectors and the paging of the query. */
  list(type: ResourceType, namespace: string | undefined, query: URLSearchParams): Listing {
    const token = query.get("continue") ?? "";
    const version = query.get("resourceVersion") ?? "";
    this.#checkVersion(version, { isContinued: token !== "" });
    const { revision, objects } = token === "" ? this.#first(type, namespace, query) : this.#remembered(token);
    const limit = version === "0" ? 0 : readLimit(query);
    const page = limit === 0 ? objects : objects.slice(0, limit);
    const rest = objects.slice(page.length);
    const metadata: JsonObject = { resourceVersion: String(revision) };
    if (rest.length === 0) return { objects: page, metadata };
    metadata.continue = this.#remember({ revision, objects: rest });
    if (!query.has("labelSelector") && !query.has("fieldSelector")) metadata.remainingItemCount = rest.length;
    return { objects: page, metadata };
  }

  #checkVersion(version: string, { isContinued }: { isContinued: boolean }): void {
    if (isContinued && version !== "") {
      throw badRequest("specifying resource version is not allowed when using continue");
    }
    if (Number(version) <= this.#store.revision) return;
    const message = `Timeout: Too large resource version: ${version}, current: ${this.#store.revision}`;
    const causes = [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }];
    throw new ApiFailure(504, "Timeout", message, { causes, retryAfterSeconds: 1 });
  }

  /** Forgets the lists that are not read to their end, as a compaction of etcd does. */
  forget(): void {
    this.#rests.clear();
  }

  #first(type: ResourceType, namespace: string | undefined, query: URLSearchParams): Rest {
    const isSelected = parseSelectors(query);
    return { revision: this.#store.revision, objects: this.#store.list(type, namespace).filter(isSelected) };
  }

  #remembered(token: string): Rest {
    const rest = this.#rests.get(token);
    if (rest !== undefined) return rest;
    if (!token.startsWith(TOKEN_PREFIX)) throw badRequest("invalid continue token: continue key is not valid");
    throw expired(
      "The provided continue parameter is too old to display a consistent list result. You can start a new list " +
        "without the continue parameter, or use the continue token in this response to retrieve the remainder of the " +
        "results. Continuing with the provided token results in an inconsistent list - objects that were created, " +
        "modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    );
  }

  #remember(rest: Rest): string {
    const token = `${TOKEN_PREFIX}${crypto.randomUUID()}`;
    this.#rests.set(token, rest);
    const [oldest] = this.#rests.keys();
    if (this.#rests.size > REMEMBERED_LISTS && oldest !== undefined) this.#rests.delete(oldest);
    return token;
  }
}

/** The parts of an object that a metadata-only answer keeps. */
export function partial(object: KubeObject): JsonObject {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: object.metadata };
}

/** A list as the server words it; items of built-in kinds do not repeat their kind. */
export function listBody(type: ResourceType, listing: Listing, isPartial: boolean): JsonObject {
  const { metadata, objects } = listing;
  if (isPartial) {
    const items = objects.length === 0 ? null : objects.map(partial);
    return { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1", metadata, items };
  }
  const apiVersion = apiVersionOf(type);
  const items = objects.map((object): JsonObject => {
    const shown = shownAs(type, object);
    if (type.schema !== undefined) return shown;
    const { apiVersion: _, kind: __, ...bare } = shown;
    return bare;
  });
  const paging = type.schema === undefined ? metadata : { continue: "", ...metadata };
  return { kind: `${type.kind}List`, apiVersion, metadata: paging, items };
}

function readLimit(query: URLSearchParams): number {
  const limit = Number(query.get("limit") ?? "0");
  if (!Number.isInteger(limit) || limit < 0) {
    throw badRequest(`strconv.ParseInt: parsing "${query.get("limit")}": invalid syntax`);
  }
  return limit;
}
