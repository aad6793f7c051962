import { resolveScalar, type Scalar } from "$lib/yaml/scalars.ts";

/** What `%TAG` lines make handles stand for; `!!` is there without one. */
export type TagHandles = ReadonlyMap<string, string>;

const YAML_PREFIX = "tag:yaml.org,2002:";
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const NO_BYTES = "is no text in UTF-8, encoded in base64, as its tag says";

/** A tag's name in full, of how it is written: `!!int`, `!<tag:yaml.org,2002:int>`, `!e!int`, `!mine`. */
export function tagName(written: string, handles: TagHandles): string {
  if (written.startsWith("!<")) return written.slice(2, -1);
  const second = written.indexOf("!", 1);
  const handle = written.slice(0, second + 1 || 1);
  const prefix = handles.get(handle) ?? (handle === "!!" ? YAML_PREFIX : handle);
  return prefix + written.slice(handle.length);
}

/** What a scalar with a tag stands for, quoted or not: YAML's own tags convert, all others make a text of it. */
export function resolveTagged(tag: string, text: string): Scalar {
  if (!tag.startsWith(YAML_PREFIX)) return { type: "text", value: text };
  switch (tag.slice(YAML_PREFIX.length)) {
    case "null":
      return expected(resolveScalar(text), "null");
    case "bool":
      return expected(resolveScalar(text), "boolean");
    case "int":
      return expected(resolveScalar(text), "whole");
    case "float":
      return float(resolveScalar(text));
    case "binary":
      return binary(text);
    case "timestamp":
      return { type: "fault", message: "has the tag of a date, which JSON does not have" };
    default:
      return { type: "text", value: text };
  }
}

/** Whether a key that is written `<<` and has this tag, or none (`!` or empty), merges. */
export function mayMerge(tag: string): boolean {
  return tag === "" || tag === "!" || tag === `${YAML_PREFIX}merge`;
}

function expected(scalar: Scalar, type: Scalar["type"]): Scalar {
  if (scalar.type === type || scalar.type === "fault") return scalar;
  return { type: "fault", message: "is not what its tag says" };
}

function float(scalar: Scalar): Scalar {
  if (scalar.type !== "whole" || scalar.isUnsigned) return expected(scalar, "fraction");
  return { type: "fraction", value: Number(JSON.stringify(scalar.value)) };
}

function binary(text: string): Scalar {
  const encoded = text.replace(/[\r\n]/g, "");
  if (!BASE64.test(encoded)) return { type: "fault", message: NO_BYTES };
  const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
  try {
    return { type: "text", value: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { type: "fault", message: NO_BYTES };
  }
}
