import { z } from "zod";
import { preferences } from "$lib/serve/accept.ts";
import { Failure } from "$lib/error.ts";
import { JSON_TYPE } from "$lib/json.ts";
import { answerOf } from "$lib/serve/long_answer.ts";
import { CreateDeploymentObjectRequest, DeploymentObject } from "$lib/wire/stack.ts";
import { mayChangeStack, mayReadObject } from "../domain/access.ts";
import type { Caller } from "../domain/caller.ts";
import {
  type IdempotencyKey,
  type ObjectHead,
  readSubmission,
  type Submission,
  type SubmitOutcome,
} from "../domain/deployment_object.ts";
import type { DeploymentObjectStore } from "../store/mod.ts";
import { type Call, endpoint } from "./endpoint.ts";
import type { Form } from "./object_cache.ts";
import { AS_JSON, isLong, objectList, oneObject } from "./object_list.ts";
import { isKnown, notModified } from "./reply.ts";
import { traceOf } from "./request_span.ts";
import { IdPath, PageQuery } from "./shapes.ts";

const OF_STACK = "/api/v1/stacks/{id}/deployment-objects";
const YAML_TYPES = ["application/yaml", "text/yaml", "application/x-yaml"];
const AS_YAML: Form = { type: "application/yaml; charset=utf-8", write: ({ yamlContent }) => yamlContent };
/** What accepts JSON, the most exact first. */
const JSON_RANGES = [JSON_TYPE, "application/*", "*/*"];
const IDEMPOTENCY_KEY = "idempotency-key";
const KEY_MAX = 255;
const UNCHANGED = "brokkr-unchanged";
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
  handle: async ({ params: { id }, query, caller, ...asked }, { stacks, objects }) => {
    mayChangeStack(caller, await stacks.get(id));
    return await objectList(await objects.list(id, query), { ...asked, objects });
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
  handle: async ({ params: { id: stackId }, query, body, ...asked }, { stacks, objects }) => {
    mayChangeStack(asked.caller, await stacks.get(stackId));
    const isDeletionMarker = body.is_deletion_marker ?? query.deletion_marker ?? false;
    return await submitBundle({ stackId, yamlContent: body.yaml_content, isDeletionMarker }, { ...asked, objects });
  },
});

const get = endpoint({
  method: "get",
  path: "/api/v1/deployment-objects/{id}",
  roles: ["admin", "agent", "generator"],
  summary: "One deployment object; its raw YAML with Accept: application/yaml",
  params: IdPath,
  answers: { 200: DeploymentObject },
  handle: async ({ params: { id }, caller, ...asked }, { objects }) => {
    const { head, stack, isAssociated } = await objects.get(id, caller.role === "agent" ? caller.id : undefined);
    mayReadObject(caller, stack, isAssociated);
    const { etag, form } = wantsYaml(asked.request) ? asYaml(head) : asJson(head);
    if (isKnown(asked.request, etag)) return notModified({ etag, headers: FOR_EVER });
    const headers = { ...FOR_EVER, etag, "content-type": form.type };
    return await oneObject({ head, form, headers }, { ...asked, objects });
  },
});

/** Submissions to stacks. */
export const DEPLOYMENT_OBJECTS = [list, submit, get] as const;

/** Who submits, and what that takes. */
export type SubmitParts =
  & Pick<Call, "caller" | "request" | "parseBundle" | "span">
  & { readonly objects: DeploymentObjectStore };

type NewSubmission = Pick<Submission, "stackId" | "yamlContent" | "isDeletionMarker">;

/**
 * Checks a bundle and submits it.
 *
 * @throws {Failure} `invalid_deployment_object`, and what the store throws.
 */
export async function submitted(
  submission: NewSubmission,
  { caller, request, parseBundle, span, objects }: SubmitParts,
): Promise<SubmitOutcome> {
  const outcome = await objects.submit(
    await readSubmission({
      ...submission,
      submittedBy: `${caller.role} ${caller.id}`,
      ...traceOf({ request, span }),
      idempotency: idempotencyOf(request, caller),
    }, await parseBundle(submission.yamlContent, caller.id)),
  );
  span?.set({ "brokkr.stack.id": submission.stackId, "brokkr.deployment_object.id": outcome.object.id });
  return outcome;
}

/**
 * Checks a bundle, submits it, and answers with the object that it is now.
 *
 * @throws {Failure} As {@linkcode submitted}.
 */
export async function submitBundle(
  submission: NewSubmission,
  parts: SubmitParts & Pick<Call, "sendLong" | "objectCache">,
): Promise<Response> {
  const { object, isUnchanged } = await submitted(submission, parts);
  const headers = { "content-type": JSON_TYPE, ...(isUnchanged ? { [UNCHANGED]: "true" } : {}) };
  const { yamlContent: echoed, ...head } = object;
  const sizeBytes = Buffer.byteLength(echoed);
  if (!isLong(sizeBytes)) return answerOf(AS_JSON.write(object), { status: 201, headers });
  const echo = { head: { ...head, sizeBytes }, form: AS_JSON, headers, status: 201 };
  return await oneObject(echo, parts);
}

/** @throws {Failure} `invalid_parameters` for a key that is empty or too long. */
function idempotencyOf({ headers }: Request, { role, id }: Caller): IdempotencyKey | undefined {
  const key = headers.get(IDEMPOTENCY_KEY);
  if (key === null) return undefined;
  if (key !== "" && key.length <= KEY_MAX) return { caller: `${role} ${id}`, key };
  throw new Failure("invalid_parameters", `Cannot use the Idempotency-Key: it has not 1 to ${KEY_MAX} characters`);
}

/** Whether YAML is named and JSON not preferred to it: who accepts anything gets JSON. */
function wantsYaml(request: Request): boolean {
  const ranges = [...preferences(request.headers.get("accept") ?? "")];
  const json = JSON_RANGES.map((name) => ranges.find((range) => range.name === name)).find((range) => range);
  const yaml = Math.max(0, ...ranges.filter(({ name }) => YAML_TYPES.includes(name)).map(({ quality }) => quality));
  return yaml > 0 && yaml >= (json?.quality ?? 0);
}

/** A way to show an object, and the tag that it has so. */
interface Shown {
  readonly etag: string;
  readonly form: Form;
}

/** @throws {Failure} `deployment_object_not_found` for a body that was not kept. */
function asYaml({ id, yamlChecksum, isBodyKept }: ObjectHead): Shown {
  if (!isBodyKept) {
    const why = "its body was not kept (broker.deployment_objects_kept)";
    throw new Failure("deployment_object_not_found", `Cannot get the YAML of deployment object "${id}": ${why}`);
  }
  return { etag: `"${yamlChecksum}"`, form: AS_YAML };
}

function asJson({ id, isBodyKept }: ObjectHead): Shown {
  return { etag: isBodyKept ? `"${id}"` : `"${id}-without-body"`, form: AS_JSON };
}
