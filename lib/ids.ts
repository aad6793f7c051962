import { createHash } from "node:crypto";
import { base58 } from "@scure/base";

const PAK_SHORT_LENGTH = 8;
const PAK_SHORT_PREFIX = "BR";
const PAK_LONG_BYTES = 24;
const SECRET_BYTES = 32;

/** A fresh random UUID (version 4). */
export function newId(): string {
  return crypto.randomUUID();
}

/** A random number in [0, 1), for jitter only. */
export function random(): number {
  return Math.random();
}

/** A fresh key `brokkr_<short>_<long>`: 8 characters starting with `BR`, then 24 random bytes in base58. */
export function newPak(): string {
  const short = base58.encode(randomBytes(PAK_SHORT_LENGTH)).slice(0, PAK_SHORT_LENGTH - PAK_SHORT_PREFIX.length);
  return `brokkr_${PAK_SHORT_PREFIX}${short}_${base58.encode(randomBytes(PAK_LONG_BYTES))}`;
}

/** 32 random bytes as a text for a cookie or a form: 43 letters, digits, `-` and `_`. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The lower-case hex SHA-256 of `bytes`, or of a text's UTF-8. */
export async function sha256Hex(content: string | Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await sha256(content)).toHex();
}

/** The same at once: for many short texts, the way to another thread and back takes longer than the hashing. */
export function sha256HexSync(content: string): string {
  return createHash("sha256").update(content).digest("hex");
}

/** The base64url SHA-256, without padding, of a text's UTF-8: as ApplySet ids have it. */
export async function sha256Base64Url(content: string): Promise<string> {
  return new Uint8Array(await sha256(content)).toBase64({ alphabet: "base64url", omitPadding: true });
}

function sha256(content: string | Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return crypto.subtle.digest("SHA-256", bytes);
}

function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}
