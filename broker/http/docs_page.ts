import { html } from "hono/html";
import type { ApiDocument } from "./documents.ts";

/**
 * Nothing runs, is drawn or is sent but from and to this server, and nobody shows the page inside another. Its arrows
 * and locks are images in the style sheet, `data:`, which run nothing.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");
const HTML = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": POLICY,
  "referrer-policy": "same-origin",
};
const SCRIPT = { "content-type": "text/javascript; charset=utf-8", "x-content-type-options": "nosniff" };
const STYLE = { "content-type": "text/css; charset=utf-8", "x-content-type-options": "nosniff" };

/** Draws the document that lies beside the page; keys are typed there, and kept nowhere. */
const START = `SwaggerUIBundle({
  url: "docs/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
`;

/** The API for people: Swagger UI, read when somebody first asks for it, with addresses that hold behind any proxy. */
export const DOCS_PAGE: readonly ApiDocument[] = [
  { path: "/docs", headers: HTML, write: page },
  { path: "/docs/start.js", headers: SCRIPT, write: () => START },
  {
    path: "/docs/swagger-ui.js",
    headers: SCRIPT,
    write: async () => (await import("swagger-ui-dist/swagger-ui-bundle.js", { with: { type: "text" } })).default,
  },
  {
    path: "/docs/swagger-ui.css",
    headers: STYLE,
    write: async () => (await import("swagger-ui-dist/swagger-ui.css", { with: { type: "text" } })).default,
  },
];

function page(): string {
  const text = html`
    <!doctype html>
    <html lang="en">
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>Brokkr API</title>
      <link rel="stylesheet" href="docs/swagger-ui.css">
      <link rel="icon" href="data:,">
      <main id="api"></main>
      <noscript>For programs, and without JavaScript: <a href="docs/openapi.json">openapi.json</a>.</noscript>
      <script src="docs/swagger-ui.js" defer></script>
      <script src="docs/start.js" defer></script>
    </html>
  `;
  return String(text).trim();
}
