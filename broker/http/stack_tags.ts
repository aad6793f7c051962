import { z } from "zod";
import { Failure } from "$lib/error.ts";
import { NewStackAnnotation, NewStackLabel, StackAnnotation, StackLabel } from "$lib/wire/stack.ts";
import { mayChangeStack, mayReadStack } from "../domain/access.ts";
import type { Caller } from "../domain/caller.ts";
import type { Annotation, Label } from "../domain/targeting.ts";
import type { StackStore } from "../store/mod.ts";
import { endpoint } from "./endpoint.ts";
import { mapPage } from "./reply.ts";
import { AnnotationPath, IdPath, LabelPath, Nothing, PageQuery } from "./shapes.ts";

const LABELS = "/api/v1/stacks/{id}/labels";
const ANNOTATIONS = "/api/v1/stacks/{id}/annotations";

const listLabels = endpoint({
  method: "get",
  path: LABELS,
  roles: ["admin", "generator", "agent"],
  summary: "The labels of a stack",
  params: IdPath,
  query: PageQuery,
  answers: { 200: z.array(StackLabel) },
  handle: async ({ params: { id }, query, caller }, { stacks, stackTags }) => {
    await mustRead(caller, id, stacks);
    return mapPage(await stackTags.listLabels(id, query), labelBody);
  },
});

const addLabel = endpoint({
  method: "post",
  path: LABELS,
  roles: ["admin", "generator"],
  summary: "Add a label to a stack: the body is the label itself",
  params: IdPath,
  body: { shape: NewStackLabel, textCode: "invalid_label" },
  answers: { 201: StackLabel },
  handle: async ({ params: { id }, body: label, caller }, { stacks, stackTags }) => {
    mayChangeStack(caller, await stacks.get(id));
    return labelBody(await stackTags.addLabel(id, label));
  },
});

const removeLabel = endpoint({
  method: "delete",
  path: `${LABELS}/{label}`,
  roles: ["admin", "generator"],
  summary: "Take a label from a stack",
  params: LabelPath,
  answers: { 204: Nothing },
  handle: async ({ params: { id, label }, caller }, { stacks, stackTags }) => {
    mayChangeStack(caller, await stacks.get(id));
    return await stackTags.removeLabel(id, label);
  },
});

const listAnnotations = endpoint({
  method: "get",
  path: ANNOTATIONS,
  roles: ["admin", "generator", "agent"],
  summary: "The annotations of a stack",
  params: IdPath,
  query: PageQuery,
  answers: { 200: z.array(StackAnnotation) },
  handle: async ({ params: { id }, query, caller }, { stacks, stackTags }) => {
    await mustRead(caller, id, stacks);
    return mapPage(await stackTags.listAnnotations(id, query), annotationBody);
  },
});

const addAnnotation = endpoint({
  method: "post",
  path: ANNOTATIONS,
  roles: ["admin", "generator"],
  summary: "Add an annotation to a stack",
  params: IdPath,
  body: { shape: NewStackAnnotation, textCode: "invalid_annotation" },
  answers: { 201: StackAnnotation },
  handle: async ({ params: { id }, body: { stack_id, key, value }, caller }, { stacks, stackTags }) => {
    mayChangeStack(caller, await stacks.get(id));
    if (stack_id !== id) {
      throw new Failure("stack_id_mismatch", `Cannot use stack "${id}": the body names stack "${stack_id}"`);
    }
    return annotationBody(await stackTags.addAnnotation(id, { key, value }));
  },
});

const removeAnnotation = endpoint({
  method: "delete",
  path: `${ANNOTATIONS}/{key}`,
  roles: ["admin", "generator"],
  summary: "Take an annotation from a stack",
  params: AnnotationPath,
  answers: { 204: Nothing },
  handle: async ({ params: { id, key }, caller }, { stacks, stackTags }) => {
    mayChangeStack(caller, await stacks.get(id));
    return await stackTags.removeAnnotation(id, key);
  },
});

/** Labels and annotations of stacks. */
export const STACK_TAGS = [
  listLabels,
  addLabel,
  removeLabel,
  listAnnotations,
  addAnnotation,
  removeAnnotation,
] as const;

async function mustRead(caller: Caller, stackId: string, stacks: StackStore): Promise<void> {
  const stack = await stacks.get(stackId);
  mayReadStack(caller, stack, caller.role === "agent" && await stacks.isAssociated(caller.id, stackId));
}

function labelBody({ id, ownerId, label }: Label): z.input<typeof StackLabel> {
  return { id, stack_id: ownerId, label };
}

function annotationBody({ id, ownerId, key, value }: Annotation): z.input<typeof StackAnnotation> {
  return { id, stack_id: ownerId, key, value };
}
