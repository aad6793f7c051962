import { Uuid } from "$lib/wire/common.ts";
import { type ApiErrorCode, Failure, quoted } from "$lib/error.ts";

/** An id of a path. @throws {Failure} With `code`: what is no id names nothing. */
export function idOf(text: string | undefined, code: ApiErrorCode): string {
  const read = Uuid.safeParse(text);
  if (read.success) return read.data;
  throw new Failure(code, `Cannot find ${quoted(text ?? "")}: it is not an id`);
}

/** The number of a submission. @throws {Failure} `deployment_object_not_found`. */
export function sequenceOf(text: string | null): number {
  if (text !== null && /^\d{1,15}$/.test(text)) return Number(text);
  throw new Failure("deployment_object_not_found", `Cannot find submission ${quoted(text ?? "")}: it is not a number`);
}
