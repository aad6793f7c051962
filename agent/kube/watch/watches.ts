import { type GroupKind, groupKindText } from "../names.ts";
import { ScopeWatch, type ScopeWatchParts } from "./scope_watch.ts";

export type { SeenBefore, SeenObject, WatchListener } from "./scope_watch.ts";

/** What watching a kind needs. */
export interface KindWatchParts extends Omit<ScopeWatchParts, "onOpen" | "onRefused"> {
  /** Where objects of the kind are recorded: there they are watched, each by itself, if not in the whole cluster. */
  readonly namespacesOf: (groupKind: GroupKind) => readonly string[];
}

interface Running {
  readonly watch: ScopeWatch;
  readonly ending: AbortController;
  readonly ended: Promise<void>;
}

/** Watches one kind in the whole cluster; while that is refused, in each namespace that the kind is recorded in. */
export class KindWatch {
  readonly #parts: KindWatchParts;
  readonly #signal: AbortSignal;
  readonly #everywhere: Running;
  readonly #byNamespace = new Map<string, Running>();
  #isRefused = false;
  #isWarned = false;

  /** Begins at once. */
  constructor(parts: KindWatchParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
    this.#everywhere = this.#start(undefined, {
      onOpen: () => this.#narrow(false),
      onRefused: () => this.#narrow(true),
    });
  }

  /** Whether every change of the kind is seen as it happens, now. */
  get isOpen(): boolean {
    if (!this.#isRefused) return this.#everywhere.watch.isOpen;
    return this.#namespaces().every((namespace) => this.#byNamespace.get(namespace)?.watch.isOpen === true);
  }

  /** Resolves when the signal has aborted and every watch has ended. Never rejects. */
  async ended(): Promise<void> {
    await Promise.all([this.#everywhere, ...this.#byNamespace.values()].map(({ ended }) => ended));
  }

  /** Opens and closes watches as namespaces come and go, where each is watched by itself. */
  followNamespaces(): void {
    const wanted = new Set(this.#namespaces());
    for (const [namespace, { ending }] of this.#byNamespace) {
      if (wanted.has(namespace)) continue;
      ending.abort();
      this.#byNamespace.delete(namespace);
    }
    for (const namespace of wanted) {
      if (!this.#byNamespace.has(namespace)) this.#byNamespace.set(namespace, this.#startIn(namespace));
    }
  }

  #namespaces(): readonly string[] {
    const { groupKind, namespacesOf } = this.#parts;
    return this.#isRefused && !this.#signal.aborted ? namespacesOf(groupKind) : [];
  }

  #narrow(isRefused: boolean): void {
    this.#isRefused = isRefused;
    if (isRefused && this.#namespaces().length === 0) this.#warn();
    this.followNamespaces();
  }

  #startIn(namespace: string): Running {
    return this.#start(namespace, { onOpen: () => {}, onRefused: () => this.#warn() });
  }

  #start(namespace: string | undefined, listeners: Pick<ScopeWatchParts, "onOpen" | "onRefused">): Running {
    const ending = new AbortController();
    const watch = new ScopeWatch({ ...this.#parts, ...listeners }, namespace);
    return { watch, ending, ended: watch.run(AbortSignal.any([this.#signal, ending.signal])) };
  }

  /** Once a kind: the resync looks at it all the same. */
  #warn(): void {
    if (this.#isWarned) return;
    this.#isWarned = true;
    const kind = groupKindText(this.#parts.groupKind);
    this.#parts.log.warn("a kind can't be watched: what happens to it is seen by the resync alone", { kind });
  }
}
