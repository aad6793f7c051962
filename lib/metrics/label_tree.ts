/** Label values as the page has them. */
export type Labels = Readonly<Record<string, string>>;

interface Branch<Value> {
  value: Value | undefined;
  branches: Map<unknown, Branch<Value>> | undefined;
}

/** Finds things by their label values, one after the other: to put them together into a key would take longer. */
export class LabelTree<Value> {
  readonly #names: readonly string[];
  #root: Branch<Value> = grow();

  /** @param names Every label that tells things apart; one that a thing does not have is as good as an empty one. */
  constructor(names: readonly string[]) {
    this.#names = names;
  }

  /** @param labels Whatever somebody may ask by: what is no text, or is no label, finds nothing more. */
  get(labels: Readonly<Record<string, unknown>>): Value | undefined {
    let at: Branch<Value> | undefined = this.#root;
    for (const name of this.#names) at = at?.branches?.get(labels[name] ?? "");
    return at?.value;
  }

  set(labels: Labels, value: Value): void {
    let at = this.#root;
    for (const name of this.#names) {
      at.branches ??= new Map();
      const next = at.branches.get(labels[name] ?? "") ?? grow<Value>();
      at.branches.set(labels[name] ?? "", next);
      at = next;
    }
    at.value = value;
  }

  /** Leaves no branch behind that holds nothing any more. */
  delete(labels: Labels): void {
    prune(this.#root, this.#names.map((name) => labels[name] ?? ""));
  }

  clear(): void {
    this.#root = grow();
  }
}

function grow<Value>(): Branch<Value> {
  return { value: undefined, branches: undefined };
}

function prune<Value>(branch: Branch<Value>, [label, ...rest]: readonly string[]): void {
  if (label === undefined) {
    branch.value = undefined;
    return;
  }
  const next = branch.branches?.get(label);
  if (next === undefined) return;
  prune(next, rest);
  if (next.value === undefined && (next.branches?.size ?? 0) === 0) branch.branches?.delete(label);
}
