const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** What went over the wire to one origin, counted where it was sent. */
export interface WireCount extends Disposable {
  /** How many answers there were, by `METHOD /route/:id status`. */
  readonly answers: ReadonlyMap<string, number>;
  /** Hears every answer, with its body's text. */
  onAnswer(listener: (answer: { readonly key: string; readonly status: number; readonly text: string }) => void): void;
}

/** Counts every request that this process sends to `origin()`, until disposed; a proxy's requests are among them. */
export function countWire(origin: () => string): WireCount {
  const answers = new Map<string, number>();
  const listeners: Parameters<WireCount["onAnswer"]>[0][] = [];
  const { fetch } = globalThis;
  globalThis.fetch = async (input, init) => {
    const request = new Request(input, init);
    const { method, url } = request;
    const response = await fetch(request);
    const { origin: target, pathname } = new URL(url);
    if (target !== origin()) return response;
    const key = `${method} ${pathname.replaceAll(UUID, ":id")} ${response.status}`;
    answers.set(key, (answers.get(key) ?? 0) + 1);
    const text = listeners.length === 0 ? "" : await response.clone().text();
    for (const listener of listeners) listener({ key, status: response.status, text });
    return response;
  };
  return {
    answers,
    onAnswer: (listener) => void listeners.push(listener),
    [Symbol.dispose]: () => void (globalThis.fetch = fetch),
  };
}
