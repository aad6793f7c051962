import { OpenAPIHono, type RouteConfig } from "@hono/zod-openapi";
import type { z } from "zod";
import { STATUS_OF } from "$lib/error.ts";
import { JSON_TYPE } from "$lib/json.ts";
import { VERSION } from "$lib/program/version.ts";
import { ErrorResponse } from "$lib/wire/common.ts";
import type { Role } from "../domain/caller.ts";
import type { BodyDeclaration } from "./body.ts";
import type { Endpoint } from "./endpoint.ts";
import type { OpenApiDocument } from "./openapi_document.ts";

const PREFIX = "/api/v1/";
const MEANING: Readonly<Record<string, string>> = { 200: "Done", 201: "Made", 204: "Done; no body" };
const NOT_MODIFIED = { description: "The client has it already: If-None-Match names its ETag" };
const KEYS: Readonly<Record<Role, string>> = { admin: "adminPak", agent: "agentPak", generator: "generatorPak" };
/** What goes wrong at any path, and what besides where something is written, and where a body is read. */
const FAULTS = {
  always: [400, 401, 403, 404, 413, 422, 429, 500, 503],
  ofWrites: [409, 412],
  ofBodies: [415],
} as const;

/** The OpenAPI 3.1 description of the API, made of the declarations that also check its requests. */
export function openApiDocument(endpoints: readonly Endpoint[]): OpenApiDocument {
  const app = new OpenAPIHono();
  for (const [role, name] of Object.entries(KEYS)) {
    app.openAPIRegistry.registerComponent("securitySchemes", name, {
      type: "http",
      scheme: "bearer",
      description: `The PAK of ${role === "generator" ? "a" : "an"} ${role}; the word Bearer may be left out`,
    });
  }
  for (const endpoint of endpoints) app.openAPIRegistry.registerPath(routeOf(endpoint));
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Brokkr broker",
      version: VERSION,
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    servers: [{ url: "/", description: "The broker that serves this document" }],
    tags: [...new Set(endpoints.map(tagOf))].map((name) => ({ name, description: `Paths below ${PREFIX}${name}` })),
  });
  return asGeneratorsRead(document) as OpenApiDocument;
}

function routeOf(endpoint: Endpoint): RouteConfig {
  const { method, path, roles, summary, params, query, body, binary, answers } = endpoint;
  return {
    method,
    path,
    operationId: operationIdOf(endpoint),
    tags: [tagOf(endpoint)],
    summary,
    description: `Keys that may call: ${roles.join(", ")}`,
    security: roles.map((role) => ({ [KEYS[role]]: [] })),
    request: { params, query, body: body === undefined ? binaryBodyOf(binary) : bodyOf(body) },
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, shape]) => [status, answerOf(status, { shape, binary })]),
      ),
      ...(method === "get" && !endpoint.isHeld ? { 304: NOT_MODIFIED } : {}),
      ...Object.fromEntries(faultsOf(endpoint).map((status) => [status, faultOf(status)])),
    },
  };
}

/** The method and the words of the path: `getStacksByIdLabels`; of a path that ends with a slash, `getAgentsOne`. */
function operationIdOf({ method, path }: Endpoint): string {
  const words = path.slice(PREFIX.length).split("/").map((part) => {
    if (part === "") return "one";
    return part.startsWith("{") ? `by-${part.slice(1, -1)}` : part;
  });
  return method + words.join("-").split(/[-_]/).map(capitalized).join("");
}

function capitalized(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

/** What comes first in the path. */
function tagOf({ path }: Endpoint): string {
  return path.slice(PREFIX.length).split("/", 1)[0] ?? "";
}

function faultsOf({ method, body, binary }: Endpoint): readonly number[] {
  const ofWrites = method === "get" ? [] : FAULTS.ofWrites;
  const ofBodies = body === undefined && binary === undefined ? [] : FAULTS.ofBodies;
  return [...FAULTS.always, ...ofWrites, ...ofBodies];
}

function faultOf(status: number) {
  const codes = Object.entries(STATUS_OF).filter(([, of]) => of === status).map(([code]) => code);
  return { description: `One of the codes ${codes.join(", ")}`, content: json(ErrorResponse) };
}

function bodyOf({ shape, raw }: BodyDeclaration<z.ZodType>) {
  const text = (raw?.types ?? []).map((type) => [type, { schema: { type: "string" as const } }]);
  return { required: !shape.safeParse(undefined).success, content: { ...json(shape), ...Object.fromEntries(text) } };
}

function binaryBodyOf(type: string | undefined) {
  return type === undefined ? undefined : { required: true, content: bytes(type) };
}

function answerOf(
  status: string,
  { shape, binary }: { readonly shape: z.ZodType; readonly binary?: string | undefined },
) {
  const description = MEANING[status] ?? status;
  if (binary !== undefined) return { description, content: bytes(binary) };
  return shape.type === "void" ? { description } : { description, content: json(shape) };
}

function json(schema: z.ZodType) {
  return { [JSON_TYPE]: { schema } };
}

function bytes(type: string) {
  return { [type]: { schema: { type: "string" as const, format: "binary" } } };
}

/**
 * Generators make numbers of a width of integers: what does not say that it is one of 32 bits is one of 64. They read
 * patterns as they stand, to which what made the document has left the flags of the expression.
 */
function asGeneratorsRead(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(asGeneratorsRead);
  if (typeof part !== "object" || part === null) return part;
  const copy = Object.fromEntries(Object.entries(part).map(([key, value]) => [key, asGeneratorsRead(value)]));
  const isInteger = [copy.type].flat().includes("integer");
  return {
    ...copy,
    ...isInteger && { format: copy.format ?? "int64" },
    ...typeof copy.pattern === "string" && { pattern: copy.pattern.replace(/\/[a-z]*$/, "") },
  };
}
