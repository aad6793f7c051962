import { stringify } from "yaml";
import type { ValueSchema } from "./schema.ts";

const COMMENT_WIDTH = 118;
const HEAD = "# Written by `deno task docs` from values.schema.json. Don't edit it by hand.";

/** A chart's `values.yaml`: every default, under a comment that says what it is. */
export function valuesText({ properties = {} }: ValueSchema): string {
  return `${HEAD}\n\n${entries(properties, "").join("\n\n")}\n`;
}

function entries(properties: Readonly<Record<string, ValueSchema>>, indent: string): string[] {
  return Object.entries(properties).map(([name, schema]) =>
    `${comment(schema.description, indent)}\n${entry(name, schema, indent)}`
  );
}

function entry(name: string, schema: ValueSchema, indent: string): string {
  if (isGroup(schema)) return `${indent}${name}:\n${entries(schema.properties, `${indent}  `).join("\n")}`;
  return stringify({ [name]: schema.default ?? null }, { lineWidth: 0, nullStr: "null" })
    .trimEnd().split("\n").map((line) => `${indent}${line}`).join("\n");
}

/** Whether it only holds other values, each with a default of its own. */
export function isGroup(
  schema: ValueSchema,
): schema is ValueSchema & { readonly properties: Readonly<Record<string, ValueSchema>> } {
  return schema.properties !== undefined && schema.default === undefined;
}

function comment(text: string, indent: string): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || indent.length + last.length + word.length + 1 > COMMENT_WIDTH) lines.push(`# ${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.map((line) => `${indent}${line}`).join("\n");
}
