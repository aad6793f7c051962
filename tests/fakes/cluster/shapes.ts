import { isJsonObject, type Json, type JsonObject, objectOr } from "./json.ts";
import type { ResourceType } from "./resources.ts";

/** The type of a field, as far as it matters here. */
export type Shape = "any" | "string" | "integer" | "boolean" | { each: Shape } | { items: Shape } | { fields: Shapes };
/** The fields of a struct. */
export type Shapes = { readonly [field: string]: Shape };

/** A field of the wrong type, or one that the kind does not have. */
export interface ShapeFault {
  /** `.data.a`, as server-side apply names it. */
  readonly path: string;
  /** What the kind wants; `undefined` when it has no such field. */
  readonly expected: string | undefined;
  readonly found: Json;
  /** The path of the map that the value is in, where it is in one: so far Go's decoder names it. */
  readonly map?: string;
}

const STRINGS: Shape = { each: "string" };

const METADATA: Shape = {
  fields: {
    name: "string",
    generateName: "string",
    namespace: "string",
    labels: STRINGS,
    annotations: STRINGS,
    finalizers: { items: "string" },
    ownerReferences: { items: "any" },
    managedFields: { items: "any" },
    creationTimestamp: "any",
    deletionTimestamp: "any",
    deletionGracePeriodSeconds: "integer",
    generation: "integer",
    resourceVersion: "string",
    selfLink: "string",
    uid: "string",
  },
};

const CONTAINERS: Shape = {
  items: {
    fields: {
      ...anything("resources", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "securityContext"),
      ...anything("envFrom", "volumeMounts", "volumeDevices", "resizePolicy", "restartPolicy", "restartPolicyRules"),
      name: "string",
      image: "string",
      imagePullPolicy: "string",
      command: { items: "string" },
      args: { items: "string" },
      workingDir: "string",
      env: { items: { fields: { name: "string", value: "string", valueFrom: "any" } } },
      ports: {
        items: {
          fields: {
            name: "string",
            containerPort: "integer",
            hostPort: "integer",
            hostIP: "string",
            protocol: "string",
          },
        },
      },
      terminationMessagePath: "string",
      terminationMessagePolicy: "string",
      stdin: "boolean",
      stdinOnce: "boolean",
      tty: "boolean",
    },
  },
};

/** The pod template, of which only the containers are known in full. */
const TEMPLATE: Shape = { fields: { metadata: METADATA, spec: "any" } };

const SPECS: Record<string, Shapes> = {
  ConfigMap: { data: STRINGS, binaryData: STRINGS, immutable: "boolean" },
  Secret: { data: STRINGS, stringData: STRINGS, immutable: "boolean", type: "string" },
  Namespace: anything("spec", "status"),
  ServiceAccount: anything("secrets", "imagePullSecrets", "automountServiceAccountToken"),
  Service: anything("spec", "status"),
  Deployment: {
    status: "any",
    spec: {
      fields: {
        replicas: "integer",
        selector: "any",
        template: TEMPLATE,
        strategy: "any",
        minReadySeconds: "integer",
        revisionHistoryLimit: "integer",
        paused: "boolean",
        progressDeadlineSeconds: "integer",
      },
    },
  },
};

/** What is wrong with the types of an object. Kinds without a known shape pass. */
export function shapeFaults(type: ResourceType, object: Json): ShapeFault[] {
  const known = type.schema === undefined ? SPECS[type.kind] : schemaFields(type.schema);
  const own: Shapes = { apiVersion: "string", kind: "string", metadata: METADATA, ...known };
  const faults = faultsOf({ fields: own }, object, "");
  const typed = known === undefined ? faults.filter((fault) => fault.path.startsWith(".metadata")) : faults;
  return [...typed, ...containerFaults(object)];
}

function containerFaults(object: Json): ShapeFault[] {
  const spec = objectOr(objectOr(objectOr(objectOr(object).spec).template).spec);
  return spec.containers === undefined ? [] : faultsOf(CONTAINERS, spec.containers, ".spec.template.spec.containers");
}

function faultsOf(shape: Shape, value: Json, path: string): ShapeFault[] {
  if (shape === "any" || value === null) return [];
  if (typeof shape === "string") return isOf(shape, value) ? [] : [{ path, expected: shape, found: value }];
  if ("items" in shape) {
    if (!Array.isArray(value)) return [{ path, expected: "list", found: value }];
    return value.flatMap((item, index) => faultsOf(shape.items, item, `${path}[${itemName(item, index)}]`));
  }
  if (!isJsonObject(value)) return [{ path, expected: "map", found: value }];
  return Object.entries(value).flatMap(([field, inner]) => {
    if (inner === undefined) return [];
    const known = "each" in shape ? shape.each : shape.fields[field];
    if (known === undefined) return [{ path: `${path}.${field}`, expected: undefined, found: inner }];
    const faults = faultsOf(known, inner, `${path}.${field}`);
    return "each" in shape ? faults.map((fault) => ({ ...fault, map: path })) : faults;
  });
}

/** How a message names an item of a list: by its keys, or its index. */
function itemName(item: Json, index: number): string {
  const { name, containerPort, protocol = "TCP" } = objectOr(item);
  if (containerPort !== undefined) {
    return `containerPort=${JSON.stringify(containerPort)},protocol=${JSON.stringify(protocol)}`;
  }
  return name === undefined ? String(index) : `name=${JSON.stringify(name)}`;
}

/** The fields that the schema of a custom resource declares; `undefined` when it takes any. */
function schemaFields(schema: JsonObject): Shapes | undefined {
  const shape = schemaShape(schema);
  return typeof shape === "object" && "fields" in shape ? shape.fields : undefined;
}

function schemaShape(schema: JsonObject): Shape {
  const { type, properties, additionalProperties, items } = schema;
  if (schema["x-kubernetes-preserve-unknown-fields"] === true) return "any";
  if (type === "string" || type === "boolean") return type;
  if (type === "integer") return "integer";
  if (type === "array") return { items: schemaShape(objectOr(items)) };
  if (isJsonObject(additionalProperties)) return { each: schemaShape(additionalProperties) };
  if (type !== "object" || !isJsonObject(properties)) return "any";
  const fields = Object.entries(properties).map(([field, inner]) => [field, schemaShape(objectOr(inner))]);
  return { fields: Object.fromEntries(fields) };
}

function isOf(shape: "string" | "integer" | "boolean", value: Json): boolean {
  if (shape === "string") return typeof value === "string";
  return shape === "integer" ? Number.isInteger(value) : typeof value === "boolean";
}

function anything(...fields: string[]): Shapes {
  return Object.fromEntries(fields.map((field) => [field, "any"]));
}
