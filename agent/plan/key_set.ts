import { sha256HexSync } from "$lib/ids.ts";

/**
 * A set of objects' keys as an annotation has room for it: the sorted beginnings of their hashes, end to end, or, where
 * there are too many, the hash of that alone. It says which keys are in it, never what they are.
 */
export type KeySet = string;

const HASH_DIGITS = 12;
const DIGEST_DIGITS = 16;
const DIGEST_MARK = "#";

/** The set of these keys. */
export function keySet(keys: readonly string[]): KeySet {
  return [...new Set(keys.map(hashOf))].sort().join("");
}

/** The same set in few characters: of it only the very same one is known again, not a part. */
export function shortened(set: KeySet): KeySet {
  return isShort(set) ? set : DIGEST_MARK + sha256HexSync(set).slice(0, DIGEST_DIGITS);
}

/** Those of `keys` that are in none of the sets. */
export function keysOutside(keys: readonly string[], sets: readonly KeySet[]): readonly string[] {
  if (sets.length === 0 || keys.length === 0) return keys;
  if (sets.includes(shortened(keySet(keys)))) return [];
  const hashes = new Set(sets.filter((set) => !isShort(set)).flatMap(hashesIn));
  return keys.filter((key) => !hashes.has(hashOf(key)));
}

function isShort(set: KeySet): boolean {
  return set.startsWith(DIGEST_MARK);
}

function hashesIn(set: KeySet): readonly string[] {
  return Array.from(
    { length: set.length / HASH_DIGITS },
    (_, at) => set.slice(at * HASH_DIGITS, (at + 1) * HASH_DIGITS),
  );
}

function hashOf(key: string): string {
  return sha256HexSync(key).slice(0, HASH_DIGITS);
}
