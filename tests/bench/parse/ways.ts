import { loadAll, mergeTag, YAML11_SCHEMA } from "js-yaml";
import { Composer, isMap, isScalar, isSeq, LineCounter, Parser } from "yaml";
import { parseBundle } from "$lib/bundle.ts";

/** Ways to make values of a bundle; each answers how many documents or manifests it found. */
export const WAYS = {
  /** As Brokkr 0.10.0 did. */
  "0.10.0": (text: string) => {
    const options = { prettyErrors: false, merge: true, resolveKnownTags: false, uniqueKeys: false } as const;
    const composer = new Composer(options);
    let documents = 0;
    for (const document of composer.compose(new Parser(new LineCounter().addNewLine).parse(text))) {
      documents += 1;
      if (countRepeatedKeys(document.contents) > 0) throw new Error("Cannot measure: a key is repeated");
      document.toJS({ onAnchor: () => {} });
    }
    return documents;
  },
  /** The tokens of the same library, of which nothing is made. */
  "yaml, tokens": (text: string) => Array.from(new Parser().parse(text)).length,
  /** The library now taken, with its own schema, which is not Kubernetes'. */
  "js-yaml, load": (text: string) => loadAll(text, { schema: YAML11_SCHEMA.withTags(mergeTag) }).length,
  "lib/bundle": (text: string) => parseBundle(text).manifests.length,
} as const satisfies Record<string, (text: string) => number>;

function countRepeatedKeys(contents: unknown): number {
  const rest: unknown[] = [contents];
  let repeated = 0;
  while (rest.length > 0) {
    const node = rest.pop();
    if (isSeq(node)) { for (const item of node.items) rest.push(item); }
    if (!isMap(node)) continue;
    const known = new Set<unknown>();
    for (const { key, value } of node.items) {
      rest.push(key, value);
      if (!isScalar(key)) continue;
      if (known.has(key.value)) repeated += 1;
      known.add(key.value);
    }
  }
  return repeated;
}
