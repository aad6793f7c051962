import type { Cause } from "./failure.ts";
import type { Json } from "./json.ts";

/** A field that must be there is not. */
export function required(field: string): Cause {
  return { reason: "FieldValueRequired", message: "Required value", field };
}

/** A field has a value that it may not have, shown as JSON. */
export function wrong(field: string, value: Json, why: string): Cause {
  return { reason: "FieldValueInvalid", message: `Invalid value: ${JSON.stringify(value)}: ${why}`, field };
}

/** A field has a value that is none of those it may have. */
export function unsupported(field: string, value: Json, supported: readonly string[]): Cause {
  const list = supported.map((one) => JSON.stringify(one)).join(", ");
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`;
  return { reason: "FieldValueNotSupported", message, field };
}

/** A field may not be written so, whatever its value. */
export function prohibited(field: string, why: string): Cause {
  return { reason: "FieldValueForbidden", message: `Forbidden: ${why}`, field };
}

/** A field has a value that another one has, and they must differ. */
export function duplicate(field: string, value: Json): Cause {
  return { reason: "FieldValueDuplicate", message: `Duplicate value: ${JSON.stringify(value)}`, field };
}
