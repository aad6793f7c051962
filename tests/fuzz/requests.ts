import type { OpenApiDocument, Operation, Schema } from "../../broker/http/openapi_document.ts";
import type { Asking, World } from "../fakes/api_world.ts";
import { fc } from "../fakes/fast_check.ts";

/** A request, and the operation that it is one of. */
export interface Fuzzed {
  readonly asking: Asking & { readonly method: string };
  readonly operation: Operation;
}

/** What breaks programs that trust what they get. */
const HOSTILE = [
  ...["", " ", ".", "..", "../..", "\0", "\n", "\u202e", "\ud800", "é", "💥", "%", "%00", "%2e", "__proto__", "NaN"],
  ...["-1", "1e999", "9223372036854775808", "2026-13-45T99:99:99Z", "0000-01-01T00:00:00Z", "'; drop table x; --"],
  ...["a".repeat(300), "x".repeat(70_000), "<script>", "${7*7}", "null", "true"],
];
const hostileText = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: "binary", maxLength: 40 }));
const hostileValue = fc.oneof(
  hostileText,
  fc.constantFrom(null, true, -1, 1e300, 2 ** 53, 0.5, [], {}, [[[[]]]], { __proto__: null, constructor: 1 }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Headers that change what a request is. */
const HEADERS: readonly Readonly<Record<string, string>>[] = [
  ...["gzip", "br, gzip", ",", "\u00e9".repeat(300)].map((coding) => ({ "content-encoding": coding })),
  ...["if-match", "if-none-match", "if-unmodified-since"].map((condition) => ({ [condition]: "*" })),
  ...["", "k", "\u00ff".repeat(255), "k".repeat(256)].map((key) => ({ "idempotency-key": key })),
  { accept: "application/yaml;q=nonsense, */*;q=1e9" },
  { range: "bytes=0-1" },
];

/** How often one is asked that takes from the world what others are about, beside those that do not. */
const ENDINGS_ONE_IN = 10;

/** Requests to every operation of the document: good ones, nearly good ones and hostile ones. */
export function anyRequest(description: OpenApiDocument, world: World): fc.Arbitrary<Fuzzed> {
  const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation }))
  );
  const values = new Values(description, world);
  const keys = fc.oneof(
    { weight: 6, arbitrary: fc.constant<string | undefined>(world.keys.admin) },
    { weight: 6, arbitrary: fc.constantFrom(...Object.values(world.keys)) },
    { weight: 1, arbitrary: fc.constantFrom(undefined, "", "Bearer ", "brokkr_BR", "brokkr_BRaaaaaa_x".repeat(500)) },
  );
  // Of what was deleted, and with a key that was rotated, little more can be asked.
  const isEnding = ({ method, path }: typeof operations[number]) => method === "DELETE" || path.endsWith("/rotate-pak");
  const weighted = operations.flatMap((one) => Array<typeof one>(isEnding(one) ? 1 : ENDINGS_ONE_IN).fill(one));
  return fc.constantFrom(...weighted).chain(({ path, method, operation }) =>
    fc.record({
      key: keys,
      path: values.path(path, operation),
      body: values.body(operation),
      type: values.type(operation),
      more: seldom(fc.constantFrom(...HEADERS)),
    })
      .map(({ key, path, body, type, more }) => {
        const headers = { "content-type": type, ...more };
        return { operation, asking: { method, path, key, headers, ...(method === "GET" ? {} : { body }) } };
      })
  );
}

/** Values of the shapes of a document. */
class Values {
  readonly #description: OpenApiDocument;
  readonly #ids: readonly string[];

  constructor(description: OpenApiDocument, { keys: _, ...ids }: World) {
    this.#description = description;
    this.#ids = Object.values(ids).map(String);
  }

  path(template: string, { parameters = [] }: Operation): fc.Arbitrary<string> {
    const names = parameters.filter((one) => one.in === "path").map(({ name }) => name);
    const query = parameters.filter((one) => one.in === "query");
    const part = (name: string) => name === "label" || name === "key" ? hostileText : this.#uuid();
    const parts = fc.record(Object.fromEntries(names.map((name) => [name, mostly(part(name), hostileText)])));
    const asked = fc.record(
      Object.fromEntries(query.map(({ name, schema }) => [name, mostly(this.of(schema), hostileText)])),
      { requiredKeys: [] },
    );
    return fc.tuple(parts, asked, mostly(fc.constant(""), fc.constantFrom("&%00=x", "&limit=1&limit=2", "&%zz"))).map(
      ([parts, asked, more]) => {
        const filled = template.replaceAll(/\{(\w+)\}/g, (_, name) => encoded(String(parts[name])));
        const pairs = Object.entries(asked).map(([name, value]) => `${name}=${encoded(String(value))}`);
        return `${filled}?${pairs.join("&")}${more}`;
      },
    );
  }

  body({ requestBody }: Operation): fc.Arbitrary<unknown> {
    const schema = requestBody?.content["application/json"]?.schema;
    if (schema === undefined) return fc.constantFrom("", "{}", "x");
    const good = this.of(schema);
    return fc.oneof(
      { weight: 5, arbitrary: good.map(toJson) },
      { weight: 3, arbitrary: fc.tuple(good, fc.nat(), hostileValue).map(spoiled).map(toJson) },
      { weight: 1, arbitrary: hostileValue.map(toJson) },
      {
        weight: 1,
        arbitrary: fc.tuple(good.map(toJson), fc.nat()).map(([text, at]) => text.slice(0, at % (text.length + 1))),
      },
    );
  }

  type({ requestBody }: Operation): fc.Arbitrary<string> {
    return mostly(
      fc.constant("application/json"),
      fc.constantFrom(...Object.keys(requestBody?.content ?? {}), "text/x;;="),
    );
  }

  of(schema: Schema): fc.Arbitrary<unknown> {
    if (schema.$ref !== undefined) return this.of(this.#named(schema.$ref));
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((one) => this.of(one)));
    const types = [schema.type ?? []].flat();
    return types.length === 0 ? fc.jsonValue() : fc.oneof(...types.map((type) => this.#ofType(type, schema)));
  }

  #ofType(type: string, { format, items = {}, properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> {
    if (type === "null") return fc.constant(null);
    if (type === "boolean") return fc.boolean();
    if (type === "integer") return fc.oneof(fc.nat(100), fc.integer());
    if (type === "number") return fc.double();
    if (type === "array") return fc.array(this.of(items), { maxLength: 3 });
    if (type === "object") {
      const fields: Record<string, fc.Arbitrary<unknown>> = Object.fromEntries(
        Object.entries(properties).map(([name, schema]) => [name, this.of(schema)]),
      );
      return fc.record(fields, { requiredKeys: [...required] });
    }
    if (format === "uuid") return this.#uuid();
    if (format === "date-time") return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
    return fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom("shop", "web", "a1", "blue", "apiVersion: v1"));
  }

  #uuid(): fc.Arbitrary<string> {
    return mostly(fc.constantFrom(...this.#ids), fc.uuid());
  }

  #named(ref: string): Schema {
    return this.#description.components.schemas[ref.slice(ref.lastIndexOf("/") + 1)] ?? {};
  }
}

function mostly<T>(usual: fc.Arbitrary<T>, seldom: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 5, arbitrary: usual }, { weight: 1, arbitrary: seldom });
}

function seldom<T extends object>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<Partial<T>> {
  return fc.oneof({ weight: 19, arbitrary: fc.constant({}) }, { weight: 1, arbitrary });
}

/** Half a surrogate pair can't be encoded: it is sent as what stands for it. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function toJson(value: unknown): string {
  return JSON.stringify(value) ?? "";
}

/** With one field of another kind. */
function spoiled([value, at, other]: readonly [unknown, number, unknown]): unknown {
  if (typeof value !== "object" || value === null) return other;
  const names = Object.keys(value);
  const name = names[at % Math.max(1, names.length)] ?? "more";
  return { ...value, [name]: other };
}
