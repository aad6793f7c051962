import { z } from "zod";
import { preferences } from "$lib/accept.ts";
import { Failure } from "$lib/error.ts";
import { JSON_TYPE } from "$lib/json.ts";
import { CreateDeploymentObjectRequest, DeploymentObject } from "$lib/wire/stack.ts";
import { mayChangeStack, mayReadObject } from "../domain/access.ts";
import type { Caller } from "../domain/caller.ts";
import {
  type DeploymentObject as KeptObject,
  type IdempotencyKey,
  readSubmission,
} from "../domain/deployment_object.ts";
import { endpoint } from "./endpoint.ts";
import { objectBody, objectList } from "./object_list.ts";
import { conditional } from "./reply.ts";
import { IdPath, PageQuery } from "./shapes.ts";

const OF_STACK = "/api/v1/stacks/{id}/deployment-objects";
const YAML_TYPES = ["application/yaml", "text/yaml", "application/x-yaml"];
/** What accepts JSON, the most exact first. */
const JSON_RANGES = [JSON_TYPE, "application/*", "*/*"];
const IDEMPOTENCY_KEY = "idempotency-key";
const KEY_MAX = 255;
const UNCHANGED = "brokkr-unchanged";
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
/** An object never changes. Only its reader may keep it: who may read is asked by key. */
const FOR_EVER = { "cache-control": "private, max-age=31536000, immutable", vary: "accept, authorization" };

const list = endpoint({
  method: "get",
  path: OF_STACK,
  roles: ["admin", "generator"],
  summary: "The deployment objects of a stack, newest first",
  params: IdPath,
  query: PageQuery,
  answers: { 200: z.array(DeploymentObject) },
  handle: async ({ params: { id }, query, caller, request, sendLong }, { stacks, objects }) => {
    mayChangeStack(caller, await stacks.get(id));
    return await objectList(await objects.list(id, query), { request, objects, sendLong });
  },
});

const submit = endpoint({
  method: "post",
  path: OF_STACK,
  roles: ["admin", "generator"],
  summary: "Submit a bundle of YAML documents to a stack, as JSON or as it is; the same again changes nothing",
  params: IdPath,
  query: z.object({ deletion_marker: z.stringbool().optional() }),
  body: {
    shape: CreateDeploymentObjectRequest,
    raw: { types: YAML_TYPES, into: (yaml_content) => ({ yaml_content }) },
  },
  answers: { 201: DeploymentObject },
  handle: async ({ params: { id: stackId }, query, body, caller, request, parseBundle }, { stacks, objects }) => {
    mayChangeStack(caller, await stacks.get(stackId));
    const verdict = await parseBundle(body.yaml_content, caller.id);
    const submission = await readSubmission({
      stackId,
      yamlContent: body.yaml_content,
      isDeletionMarker: body.is_deletion_marker ?? query.deletion_marker ?? false,
      traceparent: traceparentOf(request),
      idempotency: idempotencyOf(request, caller),
    }, verdict);
    const { object, isUnchanged } = await objects.submit(submission);
    const headers = { "content-type": JSON_TYPE, ...(isUnchanged ? { [UNCHANGED]: "true" } : {}) };
    return new Response(JSON.stringify(objectBody(object)), { status: 201, headers });
  },
});

const get = endpoint({
  method: "get",
  path: "/api/v1/deployment-objects/{id}",
  roles: ["admin", "agent", "generator"],
  summary: "One deployment object; its raw YAML with Accept: application/yaml",
  params: IdPath,
  answers: { 200: DeploymentObject },
  handle: async ({ params: { id }, caller, request }, { stacks, objects }) => {
    const object = await objects.get(id);
    const stack = await stacks.get(object.stackId);
    mayReadObject(caller, stack, caller.role === "agent" && await stacks.isAssociated(caller.id, stack.id));
    return conditional(request, wantsYaml(request) ? yamlOf(object) : jsonOf(object));
  },
});

/** Submissions to stacks. */
export const DEPLOYMENT_OBJECTS = [list, submit, get] as const;

/** @throws {Failure} `invalid_parameters` for a key that is empty or too long. */
function idempotencyOf({ headers }: Request, { role, id }: Caller): IdempotencyKey | undefined {
  const key = headers.get(IDEMPOTENCY_KEY);
  if (key === null) return undefined;
  if (key !== "" && key.length <= KEY_MAX) return { caller: `${role} ${id}`, key };
  throw new Failure("invalid_parameters", `Cannot use the Idempotency-Key: it has not 1 to ${KEY_MAX} characters`);
}

function traceparentOf(request: Request): string | undefined {
  const given = request.headers.get("traceparent") ?? "";
  return TRACEPARENT.test(given) ? given : undefined;
}

/** Whether YAML is named and JSON not preferred to it: who accepts anything gets JSON. */
function wantsYaml(request: Request): boolean {
  const ranges = [...preferences(request.headers.get("accept") ?? "")];
  const json = JSON_RANGES.map((name) => ranges.find((range) => range.name === name)).find((range) => range);
  const yaml = Math.max(0, ...ranges.filter(({ name }) => YAML_TYPES.includes(name)).map(({ quality }) => quality));
  return yaml > 0 && yaml >= (json?.quality ?? 0);
}

/** @throws {Failure} `deployment_object_not_found` for a body that was not kept. */
function yamlOf({ id, yamlChecksum, yamlContent, isBodyKept }: KeptObject): Parameters<typeof conditional>[1] {
  if (!isBodyKept) {
    const why = "its body was not kept (broker.deployment_objects_kept)";
    throw new Failure("deployment_object_not_found", `Cannot get the YAML of deployment object "${id}": ${why}`);
  }
  return {
    etag: `"${yamlChecksum}"`,
    body: yamlContent,
    type: "application/yaml; charset=utf-8",
    headers: FOR_EVER,
  };
}

function jsonOf(object: KeptObject): Parameters<typeof conditional>[1] {
  return {
    etag: object.isBodyKept ? `"${object.id}"` : `"${object.id}-without-body"`,
    body: JSON.stringify(objectBody(object)),
    type: JSON_TYPE,
    headers: FOR_EVER,
  };
}
