import { dump } from "js-yaml";
import { BundleReading, type Manifest } from "$lib/bundle.ts";
import { isMapping, keptDigits } from "$lib/json.ts";

/** The manifests of a bundle as texts, by what each is of: `v1 Secret apps/login`. */
export type MaskedManifests = ReadonlyMap<string, string>;

/** Two bundles to be compared: of a Secret's values nothing is left but whether they are the same. */
export interface MaskedPair {
  readonly before: MaskedManifests;
  readonly after: MaskedManifests;
}

const SAME = "(masked)";
const OTHER = "(masked, another value)";
/** Values of Secrets, and what repeats them. */
const SECRET_FIELDS = ["data", "stringData"];
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** Reads both, and writes them so that what differs is what was changed: keys in order, no comments, no secrets. */
export function maskedPair(before: string, after: string): MaskedPair {
  const masks = new Masks();
  return { before: maskedManifests(before, masks), after: maskedManifests(after, masks) };
}

function maskedManifests(content: string, masks: Masks): MaskedManifests {
  const texts = new Map<string, string>();
  for (const manifest of [...new BundleReading(content)].flat()) {
    const name = nameOf(manifest);
    texts.set(name, dump(masks.mask(manifest.object, name), { sortKeys: true, noRefs: true, lineWidth: -1 }));
  }
  return texts;
}

function nameOf({ apiVersion, kind, namespace, name }: Manifest): string {
  return `${apiVersion} ${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}

/** The first value of each place, which a later one is the same as, or not. */
class Masks {
  readonly #first = new Map<string, string>();

  /** The value with those of every Secret in it masked, however deep: objects are carried in others. */
  mask(value: unknown, place: string): unknown {
    if (Array.isArray(value)) return value.map((item, index) => this.mask(item, `${place}/${index}`));
    if (!isMapping(value)) return keptDigits(value) ?? value;
    const isSecret = value.kind === "Secret";
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => {
        const at = `${place}/${key}`;
        const isHidden = (isSecret && SECRET_FIELDS.includes(key)) || key === LAST_APPLIED;
        return [key, isHidden ? this.#hidden(inner, at) : this.mask(inner, at)];
      }),
    );
  }

  /** Every value beneath, whatever its shape; the names stay. */
  #hidden(value: unknown, place: string): unknown {
    if (isMapping(value)) {
      return Object.fromEntries(
        Object.entries(value).map(([key, inner]) => [key, this.#hidden(inner, `${place}/${key}`)]),
      );
    }
    const text = JSON.stringify(value) ?? "";
    return this.#first.getOrInsertComputed(place, () => text) === text ? SAME : OTHER;
  }
}
