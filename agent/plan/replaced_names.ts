import { jsonIn } from "$lib/json.ts";

/** A name's end by which tools tell one content from another; words have no digits. */
const HASH_SUFFIX = /^(.+)-(?=[a-z]*[0-9])[a-z0-9]{8,10}$/;

/**
 * Those of `keys` that no wanted key stands for: an object that is of the same kind, namespace and name but for a hash
 * at the end is its replacement. Each wanted one stands for one.
 */
export function withoutReplaced(keys: readonly string[], wantedKeys: readonly string[]): readonly string[] {
  const replacements = new Map<string, number>();
  for (const stem of wantedKeys.flatMap(stemsOf)) replacements.set(stem, (replacements.get(stem) ?? 0) + 1);
  return keys.filter((key) => {
    const stem = stemsOf(key).find((one) => (replacements.get(one) ?? 0) > 0);
    if (stem === undefined) return true;
    replacements.set(stem, (replacements.get(stem) ?? 0) - 1);
    return false;
  });
}

/** The key without the hash at its name's end; none where the name has no such end. */
function stemsOf(key: string): readonly string[] {
  const parts = wordsIn(key);
  const match = HASH_SUFFIX.exec(parts.at(-1) ?? "");
  return match === null ? [] : [JSON.stringify([...parts.slice(0, -1), match[1]])];
}

/** What `objectKey` put together; no parts where something else did. */
function wordsIn(key: string): readonly string[] {
  const parts = jsonIn(key);
  return Array.isArray(parts) ? parts.map(String) : [];
}
