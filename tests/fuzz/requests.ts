import type { OpenApiDocument, Operation, Schema } from "../../broker/http/openapi_document.ts";
import { type Asking, CONFIG_MAP } from "../fakes/api_world.ts";
import { fc } from "../fakes/fast_check.ts";
import { type IdName, type KeyName, PLACES } from "./living_world.ts";

/** A request, and the operation that it is one of. */
export interface Fuzzed {
  /** With what stands for ids in place of them, and without a key where it is one of the world's. */
  readonly asking: Asking & { readonly method: string };
  readonly keyOf: KeyName | undefined;
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

/** Whose keys are of the role that a scheme of the document stands for; the first is asked with most. */
const KEYS_OF: Readonly<Record<string, readonly KeyName[]>> = {
  adminPak: ["admin"],
  agentPak: ["agent", "agent", "agent", "otherAgent"],
  generatorPak: ["generator", "generator", "generator", "otherGenerator"],
};
const KEY_NAMES: readonly KeyName[] = ["admin", "agent", "otherAgent", "generator", "otherGenerator"];
const NO_KEYS = [undefined, "", "Bearer ", "brokkr_BR", "brokkr_BRaaaaaa_x".repeat(500)];

/** Requests to every operation of the document: good ones, nearly good ones and hostile ones. */
export function anyRequest(description: OpenApiDocument): fc.Arbitrary<Fuzzed> {
  const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation }))
  );
  const values = new Values(description);
  // What they take is made anew, which takes longer than to ask.
  const isEnding = ({ method, path }: typeof operations[number]) => method === "DELETE" || path.endsWith("/rotate-pak");
  const weighted = operations.flatMap((one) => Array<typeof one>(isEnding(one) ? 1 : ENDINGS_ONE_IN).fill(one));
  return fc.constantFrom(...weighted).chain(({ path, method, operation }) =>
    fc.record({
      key: keysFor(operation),
      path: values.path(path, operation),
      body: values.body(operation),
      type: values.type(operation),
      more: seldom(fc.constantFrom(...HEADERS)),
    })
      .map(({ key: { keyOf, key }, path, body, type, more }) => {
        const headers = { "content-type": type, ...more };
        return { operation, keyOf, asking: { method, path, key, headers, ...(method === "GET" ? {} : { body }) } };
      })
  );
}

interface KeyChoice {
  readonly keyOf: KeyName | undefined;
  readonly key: string | undefined;
}

/** Mostly of those who may call. */
function keysFor({ security }: Operation): fc.Arbitrary<KeyChoice> {
  const named = (keyOf: KeyName): KeyChoice => ({ keyOf, key: undefined });
  const may = security.flatMap((scheme) => Object.keys(scheme)).flatMap((scheme) => KEYS_OF[scheme] ?? []);
  return fc.oneof(
    { weight: 10, arbitrary: fc.constantFrom(...may).map(named) },
    { weight: 2, arbitrary: fc.constantFrom(...KEY_NAMES).map(named) },
    { weight: 1, arbitrary: fc.constantFrom(...NO_KEYS).map((key) => ({ keyOf: undefined, key })) },
  );
}

/** Which ids a name asks for: in a path `{id}` is one of what stands before it. The first is asked for most. */
const IDS_OF: Readonly<Record<string, readonly IdName[]>> = {
  agents: ["agentId", "agentId", "agentId", "otherAgentId"],
  stacks: ["stackId"],
  generators: ["generatorId", "generatorId", "generatorId", "otherGeneratorId"],
  "deployment-objects": ["objectId"],
  "agent-events": ["eventId"],
};
const PLURALS: Readonly<Record<string, string>> = {
  agent_id: "agents",
  stack_id: "stacks",
  generator_id: "generators",
  generator_ids: "generators",
  deployment_object_id: "deployment-objects",
  pak_id: "generators",
};
/** Few, so that their sequences go on. */
const BOOTS = ["5a5a5a5a-1111-4000-8000-000000000001", "5a5a5a5a-1111-4000-8000-000000000002"];
/** Of fields whose texts mean something. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  yaml_content: [CONFIG_MAP, `${CONFIG_MAP}---\n${CONFIG_MAP.replace("settings", "more")}`, "apiVersion: v1", ""],
  label: ["blue", "edge", "a1", "new"],
  key: ["tier", "zone", "new"],
  name: ["a1", "a2", "shop", "web"],
  cluster_name: ["c1", "c2"],
};
const WORDS = ["shop", "web", "a1", "blue", "apiVersion: v1"];

/** Values of the shapes of a document. */
class Values {
  readonly #description: OpenApiDocument;

  constructor(description: OpenApiDocument) {
    this.#description = description;
  }

  path(template: string, { parameters = [] }: Operation): fc.Arbitrary<string> {
    const names = parameters.filter((one) => one.in === "path").map(({ name }) => name);
    const query = parameters.filter((one) => one.in === "query");
    const before = (name: string) => template.split(`/{${name}}`, 1)[0]?.split("/").at(-1) ?? "";
    const part = (name: string) =>
      name === "label" || name === "key"
        ? fc.constantFrom(...TEXTS[name] ?? [])
        : uuid(name === "id" ? before(name) : PLURALS[name]);
    const parts = fc.record(Object.fromEntries(names.map((name) => [name, mostly(part(name), hostileText)])));
    const asked = fc.record(
      Object.fromEntries(query.map(({ name, schema }) => {
        // A cursor is one that a page before gave: what is made up is none.
        const some = name === "cursor" ? hostileText : mostly(this.of(schema, name), hostileText);
        const [absent, present] = name === "cursor" ? [30, 1] : name in TEXTS ? [1, 3] : [3, 1];
        return [
          name,
          fc.oneof({ weight: absent, arbitrary: fc.constant(undefined) }, { weight: present, arbitrary: some }),
        ];
      })),
    );
    return fc.tuple(parts, asked, seldomText("&%00=x", "&limit=1&limit=2", "&%zz")).map(([parts, asked, more]) => {
      const filled = template.replaceAll(/\{(\w+)\}/g, (_, name) => encoded(String(parts[name])));
      const pairs = Object.entries(asked)
        .flatMap(([name, value]) => value === undefined ? [] : `${name}=${encoded(String(value))}`);
      return `${filled}?${pairs.join("&")}${more}`;
    });
  }

  body({ requestBody }: Operation): fc.Arbitrary<unknown> {
    const schema = requestBody?.content["application/json"]?.schema;
    if (schema === undefined) return fc.constantFrom("", "{}", "x");
    const good = this.of(schema);
    return fc.oneof(
      { weight: 8, arbitrary: good.map(toJson) },
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

  /** @param name Of the field that has the value: it says whose an id is. */
  of(schema: Schema, name = ""): fc.Arbitrary<unknown> {
    if (schema.$ref !== undefined) return this.of(this.#named(schema.$ref), name);
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((one) => this.of(one, name)));
    const types = [schema.type ?? []].flat();
    return types.length === 0 ? fc.jsonValue() : fc.oneof(...types.map((type) => this.#ofType(type, schema, name)));
  }

  #ofType(type: string, schema: Schema, name: string): fc.Arbitrary<unknown> {
    const { format, items = {}, properties = {}, required = [] } = schema;
    if (type === "null") return fc.constant(null);
    if (type === "boolean") return fc.boolean();
    if (type === "integer" || type === "number") return number(schema);
    if (type === "array") return fc.array(this.of(items, name), { maxLength: 3 });
    if (type === "object") {
      const fields: Record<string, fc.Arbitrary<unknown>> = Object.fromEntries(
        Object.entries(properties).map(([name, schema]) => [name, this.of(schema, name)]),
      );
      return fc.record(fields, { requiredKeys: [...required] });
    }
    if (format === "uuid") return name === "boot_id" ? fc.constantFrom(...BOOTS) : uuid(PLURALS[name]);
    if (format === "date-time") return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
    return text(schema, name);
  }

  #named(ref: string): Schema {
    return this.#description.components.schemas[ref.slice(ref.lastIndexOf("/") + 1)] ?? {};
  }
}

/** Mostly one of the world's, of that kind where it is known. */
function uuid(kind: string | undefined): fc.Arbitrary<string> {
  const all = Object.keys(PLACES) as IdName[];
  const fitting = IDS_OF[kind ?? ""] ?? all;
  return fc.oneof(
    { weight: 10, arbitrary: fc.constantFrom(...fitting).map((name) => PLACES[name]) },
    { weight: 1, arbitrary: fc.constantFrom(...all).map((name) => PLACES[name]) },
    { weight: 1, arbitrary: fc.uuid() },
  );
}

function number({ minimum = Number.MIN_SAFE_INTEGER }: Schema): fc.Arbitrary<number> {
  return fc.oneof(
    { weight: 5, arbitrary: fc.nat(100) },
    { weight: 1, arbitrary: fc.integer({ min: Math.max(minimum, -(2 ** 31)) }) },
    { weight: 1, arbitrary: fc.double() },
  );
}

/** As long as it may be, and of what it may be made of, as far as the document says. */
function text({ pattern, minLength = 0, maxLength = 20 }: Schema, name: string): fc.Arbitrary<string> {
  const expression = new RegExp(pattern ?? "", "u");
  const any = fc.string({ minLength, maxLength: Math.min(20, maxLength) });
  return fc.oneof(any, fc.constantFrom(...TEXTS[name] ?? WORDS)).filter((one) => expression.test(one));
}

function mostly<T>(usual: fc.Arbitrary<T>, seldom: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 12, arbitrary: usual }, { weight: 1, arbitrary: seldom });
}

function seldomText(...texts: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof({ weight: 19, arbitrary: fc.constant("") }, { weight: 1, arbitrary: fc.constantFrom(...texts) });
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
