import type { Manifest, Value } from "./yaml.ts";

/** A type that a bundle defines. */
export interface DefinedType {
  readonly group: string;
  readonly kind: string;
  readonly scope: "Namespaced" | "Cluster";
  /** How long the schema's text is at least; without it a handful of fields. */
  readonly schemaCharacters?: number;
}

const WORDS = [
  ...["selects", "the", "endpoints", "of", "a", "workload", "by", "label", "and", "port", "when", "unset", "every"],
  ...["value", "is", "taken", "from", "its", "parent", "must", "not", "be", "empty", "seconds", "between", "attempts"],
];
const LEAVES: readonly Manifest[] = [
  { type: "string" },
  { type: "integer", format: "int32", minimum: 0 },
  { type: "boolean" },
  { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
  { "anyOf": [{ type: "integer" }, { type: "string" }], "x-kubernetes-int-or-string": true },
];
const FIELDS_A_BLOCK = 20;

/** Its CustomResourceDefinition, with a status, a column and a schema that says something about each field. */
export function definition({ group, kind, scope, schemaCharacters = 2_000 }: DefinedType): Manifest {
  const plural = pluralOf(kind);
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}`, annotations: { "controller-gen.kubebuilder.io/version": "v0.16.1" } },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      scope,
      versions: [{
        name: "v1",
        served: true,
        storage: true,
        additionalPrinterColumns: [{ name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" }],
        schema: { openAPIV3Schema: schema(schemaCharacters) },
        subresources: { status: {} },
      }],
    },
  };
}

/** A resource of a defined type. */
export function resourceOf({ group, kind }: DefinedType, metadata: Manifest, spec: Manifest = {}): Manifest {
  return { apiVersion: `${group}/v1`, kind, metadata, spec: { field0: "as given", ...spec } };
}

/** The plural of a kind, as definitions name it. */
export function pluralOf(kind: string): string {
  return `${kind.toLowerCase()}s`;
}

function schema(characters: number): Manifest {
  return {
    type: "object",
    description: sentence(0),
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      spec: { type: "object", properties: fields(characters), required: ["field0"] },
      status: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    },
  };
}

/** Fields of plain types and, among them, blocks of such fields, until their texts are so long together. */
function fields(characters: number): Manifest {
  const made: Record<string, Value> = {};
  let length = 0;
  for (let index = 0; length < characters; index += 1) {
    made[`field${index}`] = index % 5 === 4 ? block(index) : leaf(index);
    length += JSON.stringify(made[`field${index}`]).length;
  }
  return made;
}

function block(index: number): Manifest {
  const properties = Object.fromEntries(
    Array.from({ length: FIELDS_A_BLOCK }, (_, inner) => [`inner${inner}`, leaf(index + inner)]),
  );
  return { type: "object", description: sentence(index), properties };
}

function leaf(index: number): Manifest {
  return { description: sentence(index), ...(index === 0 ? { type: "string" } : LEAVES[index % LEAVES.length]) };
}

function sentence(index: number): string {
  const words = Array.from({ length: 30 }, (_, at) => WORDS[(index * 7 + at * (1 + index % 5)) % WORDS.length]);
  return `${words.join(" ")}.`;
}
