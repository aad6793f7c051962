import { parse } from "yaml";
import { shownAs } from "./conversion.ts";
import type { Target } from "./decode.ts";
import { readDeleteOptions } from "./deletes.ts";
import {
  ApiFailure,
  badRequest,
  invalid,
  methodNotAllowed,
  noSuchResource,
  notFound,
  unsupportedMediaType,
} from "./failure.ts";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import type { Parts } from "./parts.ts";
import { mergePatched } from "./patches.ts";
import { listBody, partial } from "./reads.ts";
import type { ResourceType } from "./resources.ts";
import { scaled, scaleOf } from "./scale.ts";
import { parseSelectors } from "./selectors.ts";
import { watchBody } from "./watch.ts";
import type { PatchStyle, WriteOptions, Written } from "./writes.ts";

/** A request for a resource or an object, read so far. */
export interface ObjectRequest {
  readonly request: Request;
  readonly verb: string;
  readonly target: Target;
  readonly query: URLSearchParams;
  readonly parts: Parts;
  /** Ends when the server stops, and when its watches are to end. */
  readonly signal: AbortSignal;
}

const BODY_LIMIT_BYTES = 3_145_728;

const PATCH_STYLES: Record<string, PatchStyle | "apply"> = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
};

/** Kinds of which a DELETE answers with the object that is gone, where others answer with a Status. */
const SHOWN_WHEN_GONE = new Set(["Pod", "Service", "ServiceAccount", "ResourceQuota", "StorageClass"]);

/** Serves one request for a resource or an object. */
export async function serveObject(asked: ObjectRequest): Promise<Response> {
  const serve = VERBS[asked.verb];
  const { type, subresource } = asked.target;
  if (subresource !== undefined && !type.subresources.includes(subresource)) throw noSuchSubresource(asked.target);
  if (serve === undefined || !type.verbs.includes(asked.verb)) throw methodNotAllowed();
  return await serve(asked);
}

function noSuchSubresource({ type, name = "" }: Target): ApiFailure {
  return type.schema === undefined ? noSuchResource() : notFound(type, name);
}

const VERBS: Record<string, (asked: ObjectRequest) => Response | Promise<Response>> = {
  get: (asked) => answer(asked, asked.parts.writes.get(asked.target)),
  list: serveList,
  watch: serveWatch,
  create: serveCreate,
  update: serveUpdate,
  patch: servePatch,
  delete: serveDelete,
  deletecollection: serveDeleteCollection,
};

function serveList({ parts, target, query, request }: ObjectRequest): Response {
  const listing = parts.reads.list(target.type, target.namespace, query);
  return Response.json(listBody(target.type, listing, wantsPartial(request)));
}

function serveWatch({ parts, target, query, request, signal }: ObjectRequest): Response {
  const { type, namespace } = target;
  const body = watchBody(parts.store, { type, namespace, query, isPartial: wantsPartial(request) }, signal);
  return new Response(body, { headers: { "content-type": "application/json" } });
}

async function serveCreate(asked: ObjectRequest): Promise<Response> {
  const { target, parts } = asked;
  if (target.name !== undefined) throw methodNotAllowed();
  if (target.type.isNamespaced && target.namespace === undefined) throw methodNotAllowed();
  const options = writeOptions(asked, "CreateOptions");
  return written(asked, parts.writes.create(target, await readBody(asked.request), options));
}

async function serveUpdate(asked: ObjectRequest): Promise<Response> {
  const { target, parts } = asked;
  if (target.name === undefined) throw methodNotAllowed();
  const options = writeOptions(asked, "UpdateOptions");
  const body = await readBody(asked.request);
  if (target.subresource !== "scale") return written(asked, parts.writes.replace(target, body, options));
  const live = parts.writes.get(target);
  return written(asked, parts.writes.update(target, { live, next: scaled(live, body) }, options));
}

async function servePatch(asked: ObjectRequest): Promise<Response> {
  const { target, parts, request } = asked;
  if (target.name === undefined) throw methodNotAllowed();
  const style = patchStyle(target.type, request);
  const options = writeOptions(asked, "PatchOptions", style === "apply");
  const body = await readBody(request);
  if (target.subresource === "scale") {
    const live = parts.writes.get(target);
    const next = scaled(live, mergePatched(scaleOf(live), body));
    return written(asked, parts.writes.update(target, { live, next }, options));
  }
  if (style === "apply") return written(asked, parts.writes.apply(target, body, options));
  return written(asked, parts.writes.patch(target, { style, body }, options));
}

async function serveDelete(asked: ObjectRequest): Promise<Response> {
  const { target, parts, query, request } = asked;
  const { object, isGone } = parts.deletes.remove(
    target,
    readDeleteOptions(target.type, query, await readBody(request)),
  );
  if (!isGone || SHOWN_WHEN_GONE.has(target.type.kind)) return answer(asked, object);
  const { type } = target;
  const { name, uid } = object.metadata;
  const details = { name, ...(type.group === "" ? {} : { group: type.group }), kind: type.plural, uid };
  return Response.json({ kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details });
}

async function serveDeleteCollection({ target, parts, query, request }: ObjectRequest): Promise<Response> {
  const options = readDeleteOptions(target.type, query, await readBody(request));
  const selected = parts.store.list(target.type, target.namespace).filter(parseSelectors(query));
  const objects = selected.map((object) => {
    const { namespace, name } = object.metadata;
    return parts.deletes.remove({ type: target.type, namespace, name }, options).object;
  });
  const metadata = { resourceVersion: String(parts.store.revision) };
  return Response.json(listBody(target.type, { objects, metadata }, wantsPartial(request)));
}

function written(asked: ObjectRequest, { object, isNew }: Written): Response {
  return answer(asked, object, isNew ? 201 : 200);
}

function answer({ target, request }: ObjectRequest, object: KubeObject, status = 200): Response {
  const versioned = shownAs(target.type, object);
  const body: JsonObject = target.subresource === "scale" ? scaleOf(object) : versioned;
  return Response.json(wantsPartial(request) ? partial(object) : body, { status });
}

function wantsPartial(request: Request): boolean {
  return /;as=PartialObjectMetadata(List)?\b/.test((request.headers.get("accept") ?? "").replaceAll(" ", ""));
}

function patchStyle(type: ResourceType, request: Request): PatchStyle | "apply" {
  const mediaType = (request.headers.get("content-type") ?? "").split(";")[0]?.trim() ?? "";
  const style = PATCH_STYLES[mediaType];
  const accepted = Object.keys(PATCH_STYLES).filter((one) => type.schema === undefined || !one.includes("strategic"));
  if (style === undefined || !accepted.includes(mediaType)) throw unsupportedMediaType(accepted);
  return style;
}

function writeOptions({ query, request }: ObjectRequest, kind: string, isApply = false): WriteOptions {
  const refuse = (reason: string, field: string, message: string) =>
    invalid({ group: "meta.k8s.io", kind }, "", [{ reason, field, message }]);
  const dryRun = query.getAll("dryRun");
  if (dryRun.some((value) => value !== "All")) {
    const list = dryRun.map((value) => JSON.stringify(value)).join(",");
    throw refuse("FieldValueNotSupported", "dryRun", `Unsupported value: [${list}]: supported values: "All"`);
  }
  const fieldManager = query.get("fieldManager") ?? "";
  if (isApply && fieldManager === "") {
    throw refuse("FieldValueRequired", "fieldManager", "Required value: is required for apply patch");
  }
  if (fieldManager.length > 128) {
    throw refuse("FieldValueTooLong", "fieldManager", "Too long: may not be more than 128 bytes");
  }
  if (!isApply && query.has("force")) {
    throw refuse("FieldValueForbidden", "force", "Forbidden: may not be specified for non-apply patch");
  }
  const agent = (request.headers.get("user-agent") ?? "unknown").split("/")[0] ?? "unknown";
  return {
    manager: fieldManager === "" ? agent : fieldManager,
    isDryRun: dryRun.length > 0,
    strictness: query.get("fieldValidation") === "Strict" ? "strict" : "lenient",
    isForced: query.get("force") === "true",
  };
}

/** The body as JSON or YAML; none is an empty object. */
async function readBody(request: Request): Promise<Json> {
  const text = await request.text();
  if (text.length > BODY_LIMIT_BYTES) {
    const message = `Request entity too large: limit is ${BODY_LIMIT_BYTES}`;
    throw new ApiFailure(413, "RequestEntityTooLarge", message, {});
  }
  if (text.trim() === "") return {};
  const isYaml = (request.headers.get("content-type") ?? "").includes("yaml");
  try {
    const body = isYaml && !text.trimStart().startsWith("{") ? parse(text, { version: "1.1" }) : JSON.parse(text);
    return isJsonObject(body) || Array.isArray(body) ? body : {};
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "unreadable";
    throw badRequest(
      request.method === "PATCH" ? `error decoding patch: ${why}` : `the object provided is unrecognized: ${why}`,
    );
  }
}
