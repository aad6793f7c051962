import { z } from "zod";
import { Failure } from "$lib/error.ts";
import { AgentAnnotation, AgentLabel, NewAgentAnnotation, NewAgentLabel } from "$lib/wire/agent.ts";
import { NewStackAnnotation, NewStackLabel, StackAnnotation, StackLabel } from "$lib/wire/stack.ts";
import { mayChangeStack, mayReadStack, mayUseAgent } from "../domain/access.ts";
import type { Caller, Role } from "../domain/caller.ts";
import type { Annotation, Label } from "../domain/targeting.ts";
import type { Store, TagStore } from "../store/mod.ts";
import { type Endpoint, endpoint } from "./endpoint.ts";
import { mapPage } from "./reply.ts";
import { traceOf } from "./request_span.ts";
import { AnnotationPath, IdPath, LabelPath, Nothing, PageQuery } from "./shapes.ts";

type Noun = "agent" | "stack";
type Roles = readonly [Role, ...Role[]];

/** Whoever has labels and annotations, and what differs with that. */
interface TagOwner {
  readonly noun: Noun;
  readonly readers: Roles;
  readonly writers: Roles;
  readonly shapes: {
    readonly label: z.ZodType;
    readonly newLabel: z.ZodType<NewLabel>;
    readonly annotation: z.ZodType;
    readonly newAnnotation: z.ZodType<NewAnnotation>;
  };
  /** How a label is added, besides that it is. */
  readonly labelHint?: string;
  tags(store: Store): TagStore;
  mayRead(caller: Caller, id: string, store: Store): Promise<void>;
  mayWrite(caller: Caller, id: string, store: Store): Promise<void>;
}

/** A label of a body, and whose it says it is, where it says that. */
interface NewLabel {
  readonly label: string;
  readonly ownerId?: string;
}

interface NewAnnotation {
  readonly key: string;
  readonly value: string;
  readonly ownerId: string;
}

const AGENT: TagOwner = {
  noun: "agent",
  readers: ["admin", "agent"],
  writers: ["admin"],
  shapes: {
    label: AgentLabel,
    newLabel: NewAgentLabel.transform(({ agent_id: ownerId, label }) => ({ ownerId, label })),
    annotation: AgentAnnotation,
    newAnnotation: NewAgentAnnotation.transform(({ agent_id: ownerId, key, value }) => ({ ownerId, key, value })),
  },
  tags: ({ agentTags }) => agentTags,
  // deno-lint-ignore require-await
  mayRead: async (caller, id) => mayUseAgent(caller, id),
  mayWrite: () => Promise.resolve(),
};

const STACK: TagOwner = {
  noun: "stack",
  readers: ["admin", "generator", "agent"],
  writers: ["admin", "generator"],
  shapes: {
    label: StackLabel,
    newLabel: NewStackLabel.transform((label) => ({ label })),
    annotation: StackAnnotation,
    newAnnotation: NewStackAnnotation.transform(({ stack_id: ownerId, key, value }) => ({ ownerId, key, value })),
  },
  labelHint: ": the body is the label itself",
  tags: ({ stackTags }) => stackTags,
  async mayRead(caller, id, { stacks }) {
    const stack = await stacks.get(id);
    mayReadStack(caller, stack, caller.role === "agent" && await stacks.isAssociated(caller.id, id));
  },
  mayWrite: async (caller, id, { stacks }) => mayChangeStack(caller, await stacks.get(id)),
};

/** Labels and annotations of agents. */
export const AGENT_TAGS: readonly Endpoint[] = [...labelEndpoints(AGENT), ...annotationEndpoints(AGENT)];
/** Labels and annotations of stacks. */
export const STACK_TAGS: readonly Endpoint[] = [...labelEndpoints(STACK), ...annotationEndpoints(STACK)];

function labelEndpoints(owner: TagOwner): readonly Endpoint[] {
  const { noun, readers, writers, shapes, labelHint = "", tags, mayRead, mayWrite } = owner;
  const path = `/api/v1/${noun}s/{id}/labels` as const;
  const bodyOf = ({ id, ownerId, label }: Label) => ({ id, [`${noun}_id`]: ownerId, label });
  const list = endpoint({
    ...{ method: "get", path, roles: readers, params: IdPath, query: PageQuery },
    summary: `The labels of ${named(noun)}`,
    answers: { 200: z.array(shapes.label) },
    handle: async ({ params: { id }, query, caller }, store) => {
      await mayRead(caller, id, store);
      return mapPage(await tags(store).listLabels(id, query), bodyOf);
    },
  });
  const add = endpoint({
    ...{ method: "post", path, roles: writers, params: IdPath },
    summary: `Add a label to ${named(noun)}${labelHint}`,
    body: { shape: shapes.newLabel, textCode: "invalid_label" },
    answers: { 201: shapes.label },
    handle: async ({ params: { id }, body: { ownerId = id, label }, caller }, store) => {
      await mayWrite(caller, id, store);
      mustName(noun, id, ownerId);
      return bodyOf(await tags(store).addLabel(id, label));
    },
  });
  const remove = endpoint({
    ...{ method: "delete", path: `${path}/{label}`, roles: writers, params: LabelPath },
    summary: `Take a label from ${named(noun)}`,
    answers: { 204: Nothing },
    handle: async ({ params: { id, label }, caller, ...asked }, store) => {
      await mayWrite(caller, id, store);
      return await tags(store).removeLabel(id, label, traceOf(asked));
    },
  });
  return [list, add, remove];
}

function annotationEndpoints(owner: TagOwner): readonly Endpoint[] {
  const { noun, readers, writers, shapes, tags, mayRead, mayWrite } = owner;
  const path = `/api/v1/${noun}s/{id}/annotations` as const;
  const bodyOf = ({ id, ownerId, key, value }: Annotation) => ({ id, [`${noun}_id`]: ownerId, key, value });
  const list = endpoint({
    ...{ method: "get", path, roles: readers, params: IdPath, query: PageQuery },
    summary: `The annotations of ${named(noun)}`,
    answers: { 200: z.array(shapes.annotation) },
    handle: async ({ params: { id }, query, caller }, store) => {
      await mayRead(caller, id, store);
      return mapPage(await tags(store).listAnnotations(id, query), bodyOf);
    },
  });
  const add = endpoint({
    ...{ method: "post", path, roles: writers, params: IdPath },
    summary: `Add an annotation to ${named(noun)}`,
    body: { shape: shapes.newAnnotation, textCode: "invalid_annotation" },
    answers: { 201: shapes.annotation },
    handle: async ({ params: { id }, body: { ownerId, key, value }, caller }, store) => {
      await mayWrite(caller, id, store);
      mustName(noun, id, ownerId);
      return bodyOf(await tags(store).addAnnotation(id, { key, value }));
    },
  });
  const remove = endpoint({
    ...{ method: "delete", path: `${path}/{key}`, roles: writers, params: AnnotationPath },
    summary: `Take an annotation from ${named(noun)}`,
    answers: { 204: Nothing },
    handle: async ({ params: { id, key }, caller, ...asked }, store) => {
      await mayWrite(caller, id, store);
      return await tags(store).removeAnnotation(id, key, traceOf(asked));
    },
  });
  return [list, add, remove];
}

function named(noun: Noun): string {
  return noun === "agent" ? "an agent" : "a stack";
}

/** The body must mean the owner of the path. @throws {Failure} `agent_id_mismatch`, `stack_id_mismatch`. */
export function mustName(noun: Noun, id: string, ownerId: string): void {
  if (ownerId === id) return;
  throw new Failure(`${noun}_id_mismatch`, `Cannot use ${noun} "${id}": the body names ${noun} "${ownerId}"`);
}
