import type { Snapshot } from "$lib/wire/snapshot.ts";
import type { DriftPolicy } from "$lib/wire/stack.ts";
import { type Candidate, CANDIDATES, NAMESPACE, placeOf } from "./candidates.ts";

/** What makes a stack the agent's. */
export type Tie = "target" | "label" | "annotation";

/** A stack as the broker is to have it. */
export interface WantedStack {
  readonly id: string;
  readonly name: string;
  /** The newest deployment object, and what its bundle wants. */
  readonly objectId: string;
  readonly values: ReadonlyMap<Candidate, string>;
  /** By what it is the agent's, where the agent has that, too; undefined where by nothing. */
  readonly tie: Tie | undefined;
  /** Its newest object is a deletion marker. */
  readonly isMarked: boolean;
  readonly isSuspended: boolean;
  readonly drift: DriftPolicy;
  readonly defaultNamespace: string | undefined;
}

/** How the broker is to be: what a backup keeps. */
export interface WantedState {
  readonly stacks: ReadonlyMap<string, WantedStack>;
  /** Ties that no stack is held by: the agent lacks that label, or that annotation. */
  readonly lacking: ReadonlySet<Tie>;
}

/** What must be in the cluster: every stack, and the values that it wants. No object is wanted twice. */
export class Wanted {
  #stacks: Map<string, WantedStack> = new Map();
  #lacking: ReadonlySet<Tie> = new Set();
  /** What each deployment object wants, those that nobody knows any more among them. */
  readonly #objects = new Map<string, ReadonlyMap<Candidate, string>>();
  #count = 0;

  /** Those that were not deleted. */
  get stacks(): readonly WantedStack[] {
    return [...this.#stacks.values()];
  }

  /** Those that want something of the agent. */
  get present(): readonly WantedStack[] {
    return this.stacks.filter((stack) => this.isPresent(stack));
  }

  get free(): readonly Candidate[] {
    const taken = new Set(this.present.flatMap(({ values }) => [...values.keys()]));
    return CANDIDATES.filter((candidate) => !taken.has(candidate));
  }

  find(id: string): WantedStack | undefined {
    return this.#stacks.get(id);
  }

  objectValues(id: string): ReadonlyMap<Candidate, string> | undefined {
    return this.#objects.get(id);
  }

  /** A number that nothing had before. */
  newNumber(): number {
    this.#count += 1;
    return this.#count;
  }

  newValue(): string {
    return `value-${this.newNumber()}`;
  }

  put(stack: WantedStack): void {
    this.#stacks.set(stack.id, stack);
    this.#objects.set(stack.objectId, stack.values);
  }

  drop(id: string): void {
    this.#stacks.delete(id);
  }

  get lacking(): ReadonlySet<Tie> {
    return this.#lacking;
  }

  /** The agent lost a label or annotation, or got it back. */
  lack(lacking: ReadonlySet<Tie>): void {
    this.#lacking = lacking;
  }

  /** Whether the agent has anything to do with it. */
  isTied({ tie }: Pick<WantedStack, "tie">): boolean {
    return tie !== undefined && !this.#lacking.has(tie);
  }

  /** Whether it wants something of the agent. */
  isPresent(stack: Pick<WantedStack, "tie" | "isMarked">): boolean {
    return this.isTied(stack) && !stack.isMarked;
  }

  save(): WantedState {
    return { stacks: new Map(this.#stacks), lacking: this.#lacking };
  }

  load({ stacks, lacking }: WantedState): void {
    this.#stacks = new Map(stacks);
    this.#lacking = lacking;
  }

  /** The places that stacks want, with their values. */
  places(stacks: readonly WantedStack[] = this.present): ReadonlyMap<string, string> {
    return new Map(stacks.flatMap(({ values, defaultNamespace }) => placesOf(values, defaultNamespace)));
  }

  /** The places that a snapshot of the broker's wants, with the stack that wants each. */
  placesOfSnapshot({ stacks }: Snapshot): ReadonlyMap<string, string> {
    return new Map(stacks.flatMap(({ stack_id, state, deployment_object: object, default_namespace: namespace }) => {
      const values = state === "present" && object !== null ? this.#objects.get(object.id) : undefined;
      return values === undefined ? [] : placesOf(values, namespace).map(([place]) => [place, stack_id] as const);
    }));
  }
}

/** A bundle of these values; `version` is that of the type of which there are several. */
export function bundleOf(values: ReadonlyMap<Candidate, string>, version: string): string {
  return [...values].map(([candidate, value]) => {
    return `${JSON.stringify(candidate.manifest(value, candidate.versions.length > 1 ? version : undefined))}\n`;
  }).join("---\n");
}

function placesOf(values: ReadonlyMap<Candidate, string>, defaultNamespace: string | undefined): [string, string][] {
  return [...values].map(([candidate, value]) => {
    return [placeOf(candidate, candidate.isHomeless ? defaultNamespace ?? NAMESPACE : NAMESPACE), value];
  });
}
