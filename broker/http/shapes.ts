import { z } from "zod";
import { Uuid } from "$lib/wire/common.ts";

const PAGE_MAX = 1000;
const CURSOR_MAX = 1000;

/** The path of one thing. */
export const IdPath = z.object({ id: Uuid });
/** The path of one label of a thing. */
export const LabelPath = z.object({ id: Uuid, label: z.string() });
/** The path of one annotation of a thing. */
export const AnnotationPath = z.object({ id: Uuid, key: z.string() });
/** Which part of a list: at most `limit` after the place where the page before ended. */
export const PageQuery = z.object({
  limit: z.coerce.number().pipe(z.int().min(1).max(PAGE_MAX)).optional(),
  cursor: z.string().max(CURSOR_MAX).optional(),
});
/** An answer, or a body, that is not JSON but protobuf. */
export const ProtobufBytes = z.instanceof(Uint8Array);
/** An answer without a body. */
export const Nothing = z.void();
