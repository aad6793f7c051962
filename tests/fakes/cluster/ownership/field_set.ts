import { isJsonObject, type JsonObject, objectOr } from "../json.ts";

/**
 * A set of fields of an object, as `fieldsV1` writes it: a tree whose branches are elements like `f:data`,
 * `k:{"name":"x"}` and `v:"x"`. A field may be in the set itself, or only fields below it, or both.
 */
export class FieldSet {
  readonly #members = new Set<string>();
  readonly #below = new Map<string, FieldSet>();

  /** Reads a `fieldsV1` tree. */
  static read(tree: JsonObject): FieldSet {
    const set = new FieldSet();
    for (const [element, inner] of Object.entries(tree)) {
      if (element === ".") continue;
      const fields = objectOr(inner);
      if (Object.keys(fields).length === 0 || isJsonObject(fields["."])) set.#members.add(element);
      const below = FieldSet.read(fields);
      if (!below.isEmpty) set.#below.set(element, below);
    }
    return set;
  }

  get isEmpty(): boolean {
    return this.#members.size === 0 && [...this.#below.values()].every((below) => below.isEmpty);
  }

  /** Whether this very field is in the set. */
  has(element: string): boolean {
    return this.#members.has(element);
  }

  /** Puts this very field into the set. */
  add(element: string): void {
    this.#members.add(element);
  }

  /** The set of the fields below an element, to add to. */
  below(element: string): FieldSet {
    const found = this.#below.get(element) ?? new FieldSet();
    this.#below.set(element, found);
    return found;
  }

  /** The fields below an element, if there are any. */
  find(element: string): FieldSet | undefined {
    const found = this.#below.get(element);
    return found?.isEmpty === false ? found : undefined;
  }

  /** The fields that are in either. */
  union(other: FieldSet): FieldSet {
    return this.#combined(other, { members: (a, b) => a.union(b), left: true, right: true });
  }

  /** The fields that are here and not there. */
  difference(other: FieldSet): FieldSet {
    return this.#combined(other, { members: (a, b) => a.difference(b), left: true, right: false });
  }

  /** The fields that are in both. */
  intersection(other: FieldSet): FieldSet {
    return this.#combined(other, { members: (a, b) => a.intersection(b), left: false, right: false });
  }

  /** The fields that are here and neither there nor below one that is there. */
  outside(other: FieldSet): FieldSet {
    const result = new FieldSet();
    for (const element of this.#members) if (!other.has(element)) result.add(element);
    for (const [element, below] of this.#below) {
      if (other.has(element)) continue;
      const rest = other.#below.get(element);
      result.#below.set(element, rest === undefined ? below : below.outside(rest));
    }
    return result;
  }

  /** The same set, in which a branch that `isMember` names is a member too. */
  withMembers(isMember: (path: readonly string[]) => boolean, path: readonly string[] = []): FieldSet {
    const result = new FieldSet();
    for (const element of this.#members) result.add(element);
    for (const [element, below] of this.#below) {
      const here = [...path, element];
      if (isMember(here)) result.add(element);
      result.#below.set(element, below.withMembers(isMember, here));
    }
    return result;
  }

  /** Every field of the set, in the order of its path. */
  paths(prefix: readonly string[] = []): (readonly string[])[] {
    const elements = [...new Set([...this.#members, ...this.#below.keys()])].sort();
    return elements.flatMap((element) => {
      const here = [...prefix, element];
      return [...(this.has(element) ? [here] : []), ...(this.#below.get(element)?.paths(here) ?? [])];
    });
  }

  /** Writes the `fieldsV1` tree. */
  write(): { [field: string]: JsonObject } {
    const tree: { [field: string]: JsonObject } = {};
    for (const element of [...new Set([...this.#members, ...this.#below.keys()])].sort()) {
      const below = this.find(element)?.write();
      if (below === undefined) { if (this.has(element)) tree[element] = {}; }
      else tree[element] = this.has(element) ? { ".": {}, ...below } : below;
    }
    return tree;
  }

  #combined(other: FieldSet, how: Combination): FieldSet {
    const result = new FieldSet();
    for (const element of how.members(this.#members, other.#members)) result.add(element);
    for (const [element, below] of this.#below) {
      const there = other.#below.get(element);
      if (there !== undefined) result.#below.set(element, below.#combined(there, how));
      else if (how.left) result.#below.set(element, below);
    }
    for (const [element, below] of other.#below) {
      if (how.right && !this.#below.has(element)) result.#below.set(element, below);
    }
    return result;
  }
}

interface Combination {
  readonly members: (a: Set<string>, b: Set<string>) => Set<string>;
  /** Whether branches that only the left or the right has are kept. */
  readonly left: boolean;
  readonly right: boolean;
}

/** A path as messages show it: `.spec.containers[name="app"].image`. */
export function showPath(path: readonly string[]): string {
  return path.map((element) => {
    if (element.startsWith("f:")) return `.${element.slice(2)}`;
    if (element.startsWith("v:")) return `[=${element.slice(2)}]`;
    const keys = Object.entries(objectOr(JSON.parse(element.slice(2))));
    return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(",")}]`;
  }).join("");
}
