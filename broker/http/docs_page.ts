import { html } from "hono/html";
import type { Content, OpenApiDocument, Operation, Parameter, Schema } from "./openapi_document.ts";

const STYLE = "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}code{font-size:.9em}" +
  "summary{cursor:pointer;margin:.4em 0}dl{margin:0 0 1em 2em}dt{margin-top:.4em}:target{background:#ff8}";

/** The API for people, from its OpenAPI document: one page that needs nothing else. Every text in it is escaped. */
export function docsPage({ info, paths, components }: OpenApiDocument): string {
  const page = html`
    <!doctype html>
    <html lang="en">
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>${info.title}</title>
    <style>${STYLE}</style>
    <h1>${info.title} ${info.version}</h1>
    <p>For programs: <a href="docs/openapi.json">openapi.json</a>. Give the key as <code>Authorization: Bearer &lt;PAK&gt;</code>.</p>
    <h2>Paths</h2>
    ${Object.entries(paths).map(([path, operations]) => operationsOf(path, operations))}
    <h2>Shapes</h2>
    ${Object.entries(components.schemas).map(([name, schema]) => shape(name, schema))}
    </html>
  `;
  return String(page).trim();
}

function operationsOf(path: string, operations: Readonly<Record<string, Operation>>) {
  return Object.entries(operations).map(([method, { summary, description, parameters = [], requestBody, responses }]) =>
    html`
      <details>
        <summary><code>${method.toUpperCase()} ${path}</code> ${summary}</summary>
        <dl>
      <dt>${description}</dt>
      ${parameters.map(parameter)}
      ${requestBody === undefined ? "" : html`
        <dt>Body</dt>
        <dd>${contentText(requestBody.content)}</dd>
      `}
      ${Object.entries(responses).map(([status, { description, content }]) =>
        html`<dt>${status}: ${description}</dt>${content === undefined ? "" : html`<dd>${contentText(content)}</dd>`}`
      )}
        </dl>
      </details>
    `
  );
}

function parameter({ name, in: place, required, schema }: Parameter) {
  return html`
    <dt>${place}: <code>${name}</code>${required ? "" : ", optional"}</dt>
    <dd>${typeText(schema)}</dd>
  `;
}

function contentText(content: Content) {
  return Object.entries(content).map(([type, { schema }]) => html`${type}: ${typeText(schema)}<br>`);
}

function shape(name: string, schema: Schema) {
  const { properties = {}, required = [] } = schema;
  const fields = Object.entries(properties).map(([field, type]) =>
    html`
      <dt><code>${field}</code>${required.includes(field) ? "" : ", optional"}</dt>
      <dd>${typeText(type)}</dd>
    `
  );
  return html`
    <h3 id="${name}">${name}</h3>
    <dl>${fields.length > 0 ? fields : html`<dd>${typeText(schema)}</dd>`}</dl>
  `;
}

/** A type in a few words; a shape that has a name is a link to it. */
function typeText({ $ref, type, format, items, anyOf, ...rest }: Schema): unknown {
  if ($ref !== undefined) {
    const name = $ref.slice($ref.lastIndexOf("/") + 1);
    return html`<a href="#${name}">${name}</a>`;
  }
  if (items !== undefined) return html`array of ${typeText(items)}`;
  if (anyOf !== undefined) return anyOf.map((one, index) => html`${index === 0 ? "" : " or "}${typeText(one)}`);
  if (rest.enum !== undefined) return rest.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (rest.const !== undefined) return JSON.stringify(rest.const);
  return [type].flat().join(" or ") + (format === undefined ? "" : ` (${format})`);
}
