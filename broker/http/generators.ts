import { z } from "zod";
import { AgentGeneratorRegistration } from "$lib/wire/agent.ts";
import { RotatePakRequest } from "$lib/wire/common.ts";
import { CreateGeneratorResponse, Generator, NewGenerator, UpdateGeneratorRequest } from "$lib/wire/generator.ts";
import {
  mayChangeGenerator,
  mayDeleteGenerator,
  mayRotate,
  mayRotateGenerator,
  mayUseGenerator,
} from "../domain/access.ts";
import type { Generator as KeptGenerator } from "../domain/generator.ts";
import { mintPak } from "../domain/pak.ts";
import { ownHash } from "./auth.ts";
import { checkChangedNames } from "./changed_names.ts";
import { endpoint } from "./endpoint.ts";
import { mapPage } from "./reply.ts";
import { registrationBody } from "./registrations.ts";
import { traceOf } from "./request_span.ts";
import { IdPath, Nothing, PageQuery } from "./shapes.ts";

const PATH = "/api/v1/generators";
const ONE = `${PATH}/{id}` as const;

const list = endpoint({
  method: "get",
  path: PATH,
  roles: ["admin"],
  summary: "All generators",
  query: PageQuery,
  answers: { 200: z.array(Generator) },
  handle: async ({ query }, { generators }) => mapPage(await generators.list(query), generatorBody),
});

const create = endpoint({
  method: "post",
  path: PATH,
  roles: ["admin"],
  summary: "Make a generator; its key is shown this once",
  body: { shape: NewGenerator },
  answers: { 201: CreateGeneratorResponse },
  handle: async ({ body: { name, description } }, { generators }) => {
    const { pak, hash } = await mintPak();
    const generator = await generators.add({ name, description: description ?? undefined, pakHash: hash });
    return { generator: generatorBody(generator), pak };
  },
});

const get = endpoint({
  method: "get",
  path: ONE,
  roles: ["admin", "generator"],
  summary: "One generator",
  params: IdPath,
  answers: { 200: Generator },
  handle: async ({ params: { id }, caller }, { generators }) => {
    mayUseGenerator(caller, id);
    return generatorBody(await generators.get(id));
  },
});

const change = endpoint({
  method: "put",
  path: ONE,
  roles: ["admin", "generator"],
  summary: "Change a generator's name, description or activity",
  params: IdPath,
  body: { shape: UpdateGeneratorRequest },
  answers: { 200: Generator },
  handle: async ({ params: { id }, body, caller }, { generators }) => {
    mayUseGenerator(caller, id);
    const generator = await generators.get(id);
    mayChangeGenerator(caller, generator);
    checkChangedNames({ name: body.name }, { name: generator.name });
    const { name, description, is_active: isActive } = body;
    return generatorBody(await generators.change(id, { name, description: description ?? undefined, isActive }));
  },
});

const remove = endpoint({
  method: "delete",
  path: ONE,
  roles: ["admin", "generator"],
  summary: "Delete a generator: its key ends with it, and every agent that has a stack of it is to remove that",
  params: IdPath,
  answers: { 204: Nothing },
  handle: async ({ params: { id }, caller, ...asked }, { generators }) => {
    mayUseGenerator(caller, id);
    mayDeleteGenerator(caller, await generators.get(id));
    return await generators.remove(id, traceOf(asked));
  },
});

const rotatePak = endpoint({
  method: "post",
  path: `${ONE}/rotate-pak`,
  roles: ["admin", "generator"],
  summary: "Give a generator a new key, shown this once; the old one ends, its owner's own after a while",
  params: IdPath,
  body: { shape: RotatePakRequest.prefault({}) },
  answers: { 201: CreateGeneratorResponse },
  handle: async ({ params: { id }, body, caller, request }, { generators }) => {
    mayUseGenerator(caller, id);
    mayRotate(caller);
    mayRotateGenerator(caller, await generators.get(id));
    const { pak, hash: pakHash } = await mintPak();
    const from = caller.role === "generator" ? ownHash(request, caller) : undefined;
    const keepsFormer = caller.role === "generator" && body.revoke !== true;
    return { generator: generatorBody(await generators.changePak(id, { pakHash, keepsFormer, from })), pak };
  },
});

const registeredAgents = endpoint({
  method: "get",
  path: `${ONE}/registered-agents`,
  roles: ["admin", "generator"],
  summary: "The registrations of agents with a generator",
  params: IdPath,
  query: PageQuery,
  answers: { 200: z.array(AgentGeneratorRegistration) },
  handle: async ({ params: { id }, query, caller }, { generators, registrations }) => {
    mayUseGenerator(caller, id);
    await generators.get(id);
    return mapPage(await registrations.listByGenerator(id, query), registrationBody);
  },
});

/** Everything under `/generators` but registering. */
export const GENERATORS = [list, create, get, change, remove, rotatePak, registeredAgents] as const;

function generatorBody(generator: KeptGenerator): z.input<typeof Generator> {
  return {
    id: generator.id,
    name: generator.name,
    description: generator.description ?? null,
    is_system: generator.isSystem,
    is_active: generator.isActive,
    last_active_at: generator.lastActiveAt?.toISOString() ?? null,
    created_at: generator.createdAt.toISOString(),
    updated_at: generator.updatedAt.toISOString(),
    deleted_at: null,
  };
}
