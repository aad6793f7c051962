import { ENDPOINTS } from "../../broker/http/endpoints.ts";
import { openApiDocument } from "../../broker/http/openapi.ts";
import { code, GENERATED, list } from "./markdown.ts";

/** The page of every path of the broker's API. */
export function apiPage(): string {
  const items = ENDPOINTS.map(({ method, path, roles, summary, answers }) =>
    [
      code(`${method.toUpperCase()} ${path}`),
      `${summary}. Keys: ${roles.join(", ")}. Answers: ${Object.keys(answers).join(", ")}.`,
    ] as const
  );
  return `${GENERATED}

# API

For whoever writes a client of the broker. Request and response bodies are described in [openapi.json](openapi.json),
which every broker also serves at \`/docs/openapi.json\`, and as a page at \`/docs\`; [error codes](error-codes.md) are the
same for every path.

Authenticate with \`Authorization: Bearer <key>\` or the key alone. Lists take \`limit\` and \`cursor\`; the next page is in
the \`Link\` header. Every response has \`X-Request-Id\`. Single resources have an \`ETag\`; with \`If-None-Match\` the answer
may be 304. These need no key: \`GET /healthz\`, \`GET /readyz\`, \`GET /metrics\`, \`GET /docs\`, \`GET /docs/openapi.json\`.

${list(items)}

## Read next

The [error codes](error-codes.md); [security](../explanation/security.md): what each key may do.
`;
}

/** The OpenAPI 3.1 document for people to read. */
export function openApiText(): string {
  return `${JSON.stringify(openApiDocument(ENDPOINTS), undefined, 2)}\n`;
}

/** The same as the broker serves it. */
export function servedOpenApiText(): string {
  return JSON.stringify(openApiDocument(ENDPOINTS));
}
