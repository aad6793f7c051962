import { z } from "zod";
import { Failure } from "$lib/error.ts";
import { Uuid } from "$lib/wire/common.ts";
import { NewStack, Stack, UpdateStackRequest } from "$lib/wire/stack.ts";
import { listableStacks, mayChangeStack, mayCreateStack } from "../domain/access.ts";
import type { Stack as KeptStack } from "../domain/stack.ts";
import { checkChangedNames } from "./changed_names.ts";
import { endpoint } from "./endpoint.ts";
import { mapPage } from "./reply.ts";
import { traceOf } from "./request_span.ts";
import { IdPath, Nothing, PageQuery } from "./shapes.ts";

const PATH = "/api/v1/stacks";
const ONE = `${PATH}/{id}` as const;

const list = endpoint({
  method: "get",
  path: PATH,
  roles: ["admin", "generator"],
  refusal: "stacks_list_denied",
  summary: "All stacks, or the one of a name, or those of the generator with the key; for a generator its own",
  query: PageQuery.extend({ pak_id: Uuid.optional(), name: z.string().optional() }),
  answers: { 200: z.array(Stack) },
  handle: async ({ query: { pak_id: generatorId, name, ...paging }, caller }, { stacks }) =>
    mapPage(await stacks.list({ generatorId, name, ...listableStacks(caller) }, paging), stackBody),
});

const create = endpoint({
  method: "post",
  path: PATH,
  roles: ["admin", "generator"],
  refusal: "stack_create_denied",
  summary: "Make a stack",
  body: { shape: NewStack },
  answers: { 201: Stack },
  handle: async ({ body: { generator_id: generatorId, ...body }, caller }, { stacks }) => {
    mayCreateStack(caller, generatorId);
    const { name, suspended, drift } = body;
    const description = body.description ?? undefined;
    const defaultNamespace = body.default_namespace ?? undefined;
    return stackBody(await stacks.add({ name, description, generatorId, suspended, drift, defaultNamespace }));
  },
});

const get = endpoint({
  method: "get",
  path: ONE,
  roles: ["admin", "generator"],
  summary: "One stack",
  params: IdPath,
  answers: { 200: Stack },
  handle: async ({ params: { id }, caller }, { stacks }) => {
    const stack = await stacks.get(id);
    mayChangeStack(caller, stack);
    return stackBody(stack);
  },
});

const change = endpoint({
  method: "put",
  path: ONE,
  roles: ["admin", "generator"],
  summary: "Change a stack's name, description and policy, of which what is left out stays; its generator stays",
  params: IdPath,
  body: { shape: UpdateStackRequest },
  answers: { 200: Stack },
  handle: async ({ params: { id }, body, caller }, { stacks }) => {
    const stack = await stacks.getForChange(id);
    mayChangeStack(caller, stack);
    mustStay(stack, body);
    checkChangedNames({ name: body.name }, { name: stack.name });
    const { name, suspended, drift, default_namespace: defaultNamespace } = body;
    const description = body.description ?? undefined;
    return stackBody(await stacks.change(id, { name, description, suspended, drift, defaultNamespace }));
  },
});

const remove = endpoint({
  method: "delete",
  path: ONE,
  roles: ["admin", "generator"],
  summary: "Delete a stack: every agent that has it is to remove it",
  params: IdPath,
  answers: { 204: Nothing },
  handle: async ({ params: { id }, caller, ...asked }, { stacks }) => {
    mayChangeStack(caller, await stacks.get(id));
    return await stacks.remove(id, traceOf(asked));
  },
});

/** Stacks themselves. */
export const STACKS = [list, create, get, change, remove] as const;

/** @throws {Failure} `stack_id_mismatch`, `invalid_generator_id`: neither can be changed. */
function mustStay(stack: KeptStack, { id = stack.id, generator_id = stack.generatorId }: UpdateStackRequest): void {
  const what = `Cannot change stack "${stack.id}"`;
  if (id !== stack.id) throw new Failure("stack_id_mismatch", `${what}: the body names stack "${id}"`);
  if (generator_id === stack.generatorId) return;
  throw new Failure("invalid_generator_id", `${what}: its generator is "${stack.generatorId}" for ever`);
}

type UpdateStackRequest = z.output<typeof UpdateStackRequest>;

/** A stack as the API shows it. */
export function stackBody(stack: KeptStack): z.input<typeof Stack> {
  return {
    id: stack.id,
    name: stack.name,
    description: stack.description ?? null,
    generator_id: stack.generatorId,
    suspended: stack.suspended,
    drift: stack.drift,
    default_namespace: stack.defaultNamespace ?? null,
    created_at: stack.createdAt.toISOString(),
    updated_at: stack.updatedAt.toISOString(),
    deleted_at: stack.deletedAt?.toISOString() ?? null,
  };
}
