import { OpenAPIHono, type RouteConfig } from "@hono/zod-openapi";
import type { z } from "zod";
import { VERSION } from "$lib/version.ts";
import { ErrorResponse } from "$lib/wire/common.ts";
import type { BodyDeclaration } from "./body.ts";
import type { Endpoint } from "./endpoint.ts";

const KEY = "pak";
const MEANING: Readonly<Record<string, string>> = { 200: "Done", 201: "Made", 204: "Done; no body" };

/** The OpenAPI 3.1 description of the API, made of the declarations that also check its requests. */
export function openApiDocument(endpoints: readonly Endpoint[]): object {
  const app = new OpenAPIHono();
  app.openAPIRegistry.registerComponent("securitySchemes", KEY, {
    type: "http",
    scheme: "bearer",
    description: "A PAK; the word Bearer may be left out",
  });
  for (const endpoint of endpoints) app.openAPIRegistry.registerPath(routeOf(endpoint));
  return app.getOpenAPI31Document({ openapi: "3.1.0", info: { title: "Brokkr broker", version: VERSION } });
}

function routeOf({ method, path, roles, summary, params, query, body, answers }: Endpoint): RouteConfig {
  return {
    method,
    path,
    summary,
    description: `Keys that may call: ${roles.join(", ")}`,
    security: [{ [KEY]: [] }],
    request: { params, query, body: body === undefined ? undefined : bodyOf(body) },
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, shape]) => [status, answerOf(status, shape)])),
      default: { description: "What went wrong", content: json(ErrorResponse) },
    },
  };
}

function bodyOf({ shape, raw }: BodyDeclaration<z.ZodType>) {
  const text = (raw?.types ?? []).map((type) => [type, { schema: { type: "string" as const } }]);
  return { required: !shape.safeParse(undefined).success, content: { ...json(shape), ...Object.fromEntries(text) } };
}

function answerOf(status: string, shape: z.ZodType) {
  const description = MEANING[status] ?? status;
  return shape.type === "void" ? { description } : { description, content: json(shape) };
}

function json(schema: z.ZodType) {
  return { "application/json": { schema } };
}
