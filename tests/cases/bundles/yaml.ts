/** What manifests are made of. */
export type Value = string | number | boolean | readonly Value[] | { readonly [key: string]: Value };
/** A manifest, before it is text. */
export type Manifest = Readonly<Record<string, Value>>;

/** Manifests as the documents of one bundle, in block style as generators print them, strings quoted. */
export function yamlOf(manifests: readonly Manifest[]): string {
  return manifests.map((manifest) => `${linesOf(manifest, "").join("\n")}\n`).join("---\n");
}

function linesOf(value: Value, indent: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item: Value) => entry(`${indent}-`, item, `${indent}  `));
  return Object.entries(value).flatMap(([key, held]) => entry(`${indent}${JSON.stringify(key)}:`, held, `${indent}  `));
}

function entry(head: string, value: Value, indent: string): readonly string[] {
  if (typeof value !== "object" || Object.keys(value).length === 0) return [`${head} ${JSON.stringify(value)}`];
  return [head, ...linesOf(value, indent)];
}
