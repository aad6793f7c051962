/**
 * Whoever waits for signals to abort. With many who wait for the same one, each `addEventListener` would look through
 * all of them, and thousands would hold up the program for seconds: here a signal has one listener for all.
 */
export class AbortListeners {
  readonly #bySignal = new Map<AbortSignal, Listeners>();

  /**
   * Calls `listener` once when the signal, which must not have aborted yet, aborts, unless the returned function is
   * called first.
   */
  on(signal: AbortSignal, listener: () => void): () => void {
    const all = this.#bySignal.get(signal) ?? this.#listenTo(signal);
    all.listeners.add(listener);
    return () => {
      if (all.listeners.delete(listener) && all.listeners.size === 0) this.#leave(signal, all);
    };
  }

  #listenTo(signal: AbortSignal): Listeners {
    const listeners = new Set<() => void>();
    const heard = () => {
      this.#bySignal.delete(signal);
      for (const listener of listeners) listener();
    };
    const all = { listeners, heard };
    signal.addEventListener("abort", heard, { once: true });
    this.#bySignal.set(signal, all);
    return all;
  }

  /** A signal that is made of others lives as long as they do while it has a listener. */
  #leave(signal: AbortSignal, { heard }: Listeners): void {
    signal.removeEventListener("abort", heard);
    this.#bySignal.delete(signal);
  }
}

interface Listeners {
  readonly listeners: Set<() => void>;
  /** What the signal itself calls. */
  readonly heard: () => void;
}
