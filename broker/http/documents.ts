import { JSON_TYPE } from "$lib/json.ts";
import { docsPage } from "./docs_page.ts";
import { ENDPOINTS } from "./endpoints.ts";
import { openApiDocument } from "./openapi.ts";

/** A description of the API, open to everybody. */
export interface ApiDocument {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  write(): string;
}

/** The page shows text and a style of its own; whatever else it should come to hold would not run. */
const NOTHING_ELSE = "default-src 'none'; style-src 'unsafe-inline'";

/** The API's descriptions: one for programs, one for people. */
export const DOCUMENTS: readonly ApiDocument[] = [
  {
    path: "/docs/openapi.json",
    headers: { "content-type": JSON_TYPE },
    write: () => JSON.stringify(openApiDocument(ENDPOINTS)),
  },
  {
    path: "/docs",
    headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": NOTHING_ELSE },
    write: () => docsPage(openApiDocument(ENDPOINTS)),
  },
];
