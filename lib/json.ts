/** The media type of JSON. */
export const JSON_TYPE = "application/json";
/**
 * A run of digits shorter than this is below 2^53, whatever the digits are: 9007199254740992 has sixteen. One within a
 * text (a checksum, a time) is none unless it begins as numbers do, and then it only costs time.
 */
const LONG_NUMBER = /(?:^|[:,[\s])-?\d{16}/;
const WHOLE = /^-?\d+$/;

/**
 * Parses JSON as `JSON.parse` does, but for whole numbers outside ±(2^53 − 1), which a JavaScript number would round:
 * they are kept as `JSON.rawJSON`, which `JSON.stringify` writes digit by digit. A text without a number of sixteen
 * digits costs one look at it. `structuredClone` and `postMessage` break such numbers: let the text cross instead.
 *
 * @throws {SyntaxError} As `JSON.parse` throws it.
 */
export function parseJson(text: string): unknown {
  return LONG_NUMBER.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text);
}

/** What a text says that others may have spoilt; undefined where it is no JSON. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * A whole number of any size, written in decimal: a number where that holds it exactly, else its digits as
 * `JSON.rawJSON`.
 */
export function wholeNumber(digits: string): unknown {
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : RAW.rawJSON(digits);
}

/** The digits of a whole number that {@linkcode parseJson} kept; undefined for every other value. */
export function keptDigits(value: unknown): string | undefined {
  return RAW.isRawJSON(value) ? String(value.rawJSON) : undefined;
}

/** Whether a value has fields: one that stands for a whole number has none of its text's. */
export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !RAW.isRawJSON(value);
}

/** What TypeScript's library does not know yet of `JSON`: ECMAScript's "JSON.parse source text access". */
interface RawJson {
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): value is { readonly rawJSON: string };
}

const RAW = JSON as unknown as RawJson;

function keepDigits(
  this: unknown,
  _key: string,
  value: unknown,
  ...[context]: readonly { source?: string }[]
): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && WHOLE.test(source) ? RAW.rawJSON(source) : value;
}
