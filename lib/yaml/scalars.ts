import { wholeNumber } from "$lib/json.ts";

/** What a scalar stands for in JSON, or why in nothing. */
export type Scalar =
  | { readonly type: "text"; readonly value: string }
  | { readonly type: "boolean"; readonly value: boolean }
  | { readonly type: "null"; readonly value: null }
  /** A whole number of at most 64 bits, as `wholeNumber` gives it; `isUnsigned` where it needs the 64th bit. */
  | { readonly type: "whole"; readonly value: unknown; readonly isUnsigned: boolean }
  | { readonly type: "fraction"; readonly value: number }
  | { readonly type: "fault"; readonly message: string };

const NULL: Scalar = { type: "null", value: null };
const TRUE: Scalar = { type: "boolean", value: true };
const FALSE: Scalar = { type: "boolean", value: false };
const NOT_FINITE: Scalar = { type: "fault", message: "is infinite or not a number, which JSON does not have" };
const TOO_LONG: Scalar = { type: "fault", message: "is a whole number of more than 64 bits" };

/** A word as it is, capitalised, and in capitals. */
function spelled(words: string, scalar: Scalar): readonly (readonly [string, Scalar])[] {
  return words.split(" ").flatMap((word) => {
    const capitalised = word.charAt(0).toUpperCase() + word.slice(1);
    return [word, capitalised, word.toUpperCase()].map((one) => [one, scalar] as const);
  });
}

const NOT_FINITE_WORDS = [".inf", "+.inf", "-.inf", ".nan"].flatMap((word) => {
  const name = word.slice(word.indexOf(".") + 1);
  const capitalised = name === "nan" ? "NaN" : "Inf";
  return [name, capitalised, name.toUpperCase()].map((one) => [word.replace(name, one), NOT_FINITE] as const);
});

const WORDS: ReadonlyMap<string, Scalar> = new Map([
  ["", NULL],
  ["~", NULL],
  ...spelled("null", NULL),
  ...spelled("y yes true on", TRUE),
  ...spelled("n no false off", FALSE),
  ...NOT_FINITE_WORDS,
]);
const LONGEST_WORD = 5;

const WHOLE = /^[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)$/;
/** An oddity of the library that Kubernetes reads with, which takes the sign behind the prefix too. */
const SIGNED_BINARY = /^0b[-+][01]+$/;
const FRACTION = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
/** Where a fraction begins with its point, underscores stand between digits only. */
const POINT_FIRST = /^\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?$/;
const DIGITS = /^[-+]?[0-9]+$/;
/** Sign, prefix and digits of a whole number, without the zeros in between. */
const PARTS = /^([-+]?)(0[xXbBoO]|0?)0*((?:[1-9a-fA-F][0-9a-fA-F]*)?)$/;
const LONGEST_DIGITS = 64;
const SHORT_DECIMAL = /^(?:0|-?[1-9][0-9]{0,14})$/;
const SIGNED_MAX = 2n ** 63n - 1n;
const UNSIGNED_MAX = 2n ** 64n - 1n;

/** Whether a text that begins like this may be anything but text; the rest needs no look. */
export function mayStandForMore(text: string): boolean {
  const code = text.charCodeAt(0);
  if (code >= 48 && code <= 57 || code === 43 || code === 45 || code === 46) return true;
  return text.length <= LONGEST_WORD && WORDS.has(text);
}

/**
 * What a plain scalar without a tag stands for where Kubernetes reads it, which is YAML 1.1 without its numbers of base
 * 60: words such as `yes` and `off` are booleans, `0400` is octal, `1_000` a number, a date a text.
 */
export function resolveScalar(text: string): Scalar {
  const word = WORDS.get(text);
  if (word !== undefined) return word;
  const code = text.charCodeAt(0);
  if (code === 46) {
    return POINT_FIRST.test(text) ? fraction(text.replaceAll("_", ""), text) : { type: "text", value: text };
  }
  if (code >= 48 && code <= 57 || code === 43 || code === 45) return resolveNumber(text);
  return { type: "text", value: text };
}

function resolveNumber(text: string): Scalar {
  if (SHORT_DECIMAL.test(text)) return { type: "whole", value: Number(text), isUnsigned: false };
  const plain = text.replaceAll("_", "");
  if (SIGNED_BINARY.test(plain)) return whole(`${plain.charAt(2)}0b${plain.slice(3)}`) ?? { type: "text", value: text };
  if (WHOLE.test(plain)) {
    const number = whole(plain);
    if (number !== undefined) return number;
    return DIGITS.test(plain) ? TOO_LONG : { type: "text", value: text };
  }
  if (!FRACTION.test(plain)) return { type: "text", value: text };
  return DIGITS.test(plain) && Math.abs(Number(plain)) > Number(SIGNED_MAX) ? TOO_LONG : fraction(plain, text);
}

/** A whole number in any base; undefined beyond 64 bits, of which the last is only for what has no sign. */
function whole(plain: string): Scalar | undefined {
  const [, sign = "", prefix = "", digits = ""] = PARTS.exec(plain) ?? [];
  if (digits.length > LONGEST_DIGITS) return undefined;
  const isOctal = prefix.startsWith("0") && prefix.length < 2 && digits !== "";
  const size = BigInt(`${isOctal ? "0o" : prefix.toLowerCase()}${digits === "" ? "0" : digits}`);
  const value = sign === "-" ? -size : size;
  if (value > (sign === "" ? UNSIGNED_MAX : SIGNED_MAX) || value < -SIGNED_MAX - 1n) return undefined;
  return { type: "whole", value: wholeNumber(String(value)), isUnsigned: value > SIGNED_MAX };
}

/**
 * A number with a fraction or an exponent; one beyond what a float holds is the text it was. A zero keeps its sign,
 * which a key is written with.
 */
function fraction(plain: string, text: string): Scalar {
  const value = Number(plain);
  return Number.isFinite(value) ? { type: "fraction", value } : { type: "text", value: text };
}
