import { type ChartName, completeSchema, type ValueSchema } from "../../docs/generate/charts/schema.ts";
import type { Values } from "./render.ts";

/** A value of a chart: what its schema says of it, and where it is. */
export interface Leaf {
  /** `image.tag`. */
  readonly path: string;
  readonly schema: ValueSchema;
}

/** Every value and group of a chart, but for the group `global`, in which charts around it have theirs. */
export async function schemaParts(chart: ChartName): Promise<{ readonly groups: Leaf[]; readonly leaves: Leaf[] }> {
  const all = partsOf({ path: "", schema: await completeSchema(chart) }).filter(({ path }) => path !== "global");
  return {
    groups: all.filter(({ schema }) => schema.properties !== undefined),
    leaves: all.filter(({ schema }) => schema.properties === undefined),
  };
}

function partsOf({ path, schema }: Leaf): Leaf[] {
  const prefix = path === "" ? "" : `${path}.`;
  const below = Object.entries(schema.properties ?? {}).map(([name, schema]) => ({ path: `${prefix}${name}`, schema }));
  return [{ path, schema }, ...below.flatMap(partsOf)];
}

/** Values of which one, at `path`, is `value`. */
export function at(path: string, value: unknown): Values {
  return path.split(".").reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as Values;
}

/** Values laid over others, as Helm lays a file over the defaults. */
export function over(below: Values, above: Values): Values {
  const laid = Object.entries(above).map(([name, value]) => {
    const before = below[name];
    return [name, isGroup(before) && isGroup(value) ? over(before, value) : value];
  });
  return { ...below, ...Object.fromEntries(laid) };
}

/** The value at `path`, as these values and then the schema's default have it. */
export function valueAt(values: Values, { path, schema }: Leaf): unknown {
  const found = path.split(".").reduce<unknown>((one, name) => isGroup(one) ? one[name] : undefined, values);
  return found ?? schema.default;
}

/** Another value than `now`, of the type that the schema wants. */
export function otherThan(now: unknown, { path, schema }: Leaf): unknown {
  const likely = [
    ...schema.examples ?? [],
    ...schema.enum ?? [],
    ...[true, false, 1234567, 7, "other"].filter(fits(schema)),
  ];
  const other = likely.find((one) => JSON.stringify(one) !== JSON.stringify(now));
  if (other === undefined) throw new Error(`Cannot flip ${path}: give its schema an example`);
  return other;
}

function fits({ type, enum: choices }: ValueSchema): (value: unknown) => boolean {
  const types = [type].flat();
  return (value) => choices === undefined && types.some((one) => one === (typeof value) || isInteger(one, value));
}

function isInteger(type: string, value: unknown): boolean {
  return type === "integer" && typeof value === "number" && value < 10;
}

function isGroup(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
