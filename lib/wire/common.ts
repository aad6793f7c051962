import { z } from "zod";

const NAME_MAX = 255;
const TAG_MAX = 64;

/** A UUID; read in lower case, as the broker writes it, whatever a client makes of it. */
export const Uuid = z.uuid().toLowerCase();
/** A time, RFC 3339 in UTC. */
export const Time = z.iso.datetime();
/**
 * No control character, and none that shows as nothing or turns what stands around it: a text with one reads as
 * another. Those that join letters and emoji stay.
 */
const READS_AS_IT_IS =
  /^[^\p{Cc}\p{Cs}\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}]*$/u;
const READS_AS_ANOTHER =
  "must not contain line breaks, control characters, invisible ones or marks of the direction of text";

/** A name that was taken once, by 0.10.0 perhaps, which asked for no more: whoever sends it back unchanged is right. */
export const KeptName = z.string().min(1).max(NAME_MAX);
/**
 * A name of an agent, a cluster, a stack or a generator: 1–255 characters that show as they are, one of them no space.
 */
export const Name = KeptName
  .regex(/^$|[^\s\u200c\u200d\u2800\ufe00-\ufe0f]/u, "must not be blank") // the empty one is too short already
  .regex(READS_AS_IT_IS, READS_AS_ANOTHER);
/** An annotation's value: 1–64 characters that show as they are, no white space. */
export const TagValue = z.string().min(1).max(TAG_MAX)
  .regex(/^\S+$/u, "must not contain white space")
  .regex(READS_AS_IT_IS, READS_AS_ANOTHER);
/** A label, or an annotation's key: it is a part of paths, in which `.` and `..` would be another's. */
export const Tag = TagValue.regex(/^(?!\.{1,2}$)/u, 'must not be "." or ".."');
/** Lower-case hex SHA-256. */
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** The body of every error answer. */
export const ErrorResponse = z.object({
  code: z.string(),
  message: z.string(),
  details: z.record(z.string(), z.unknown()).optional(),
}).meta({ id: "ErrorResponse" });
/** The type of the shape of the same name. */
export type ErrorResponse = z.infer<typeof ErrorResponse>;

/** Who a key belongs to: the answer of `POST /auth/pak`. A broker of 0.10.0 leaves out what does not apply. */
export const AuthResponse = z.object({
  admin: z.boolean(),
  agent: Uuid.nullish(),
  generator: Uuid.nullish(),
  readonly: z.boolean(),
}).meta({ id: "AuthResponse" });
/** The type of the shape of the same name. */
export type AuthResponse = z.infer<typeof AuthResponse>;

/** Whose key there is: an agent or a generator, by the id that `pak_id` takes. */
export const PakSummary = z.object({ id: Uuid, name: z.string() }).meta({ id: "PakSummary" });

/** How a key is rotated: `revoke` ends the former one at once, also where its own owner rotates it. */
export const RotatePakRequest = z.object({ revoke: z.boolean().optional() }).meta({ id: "RotatePakRequest" });

/** A key shown once. */
export const RotatedPak = z.object({ pak: z.string() }).meta({ id: "RotatedPak" });
