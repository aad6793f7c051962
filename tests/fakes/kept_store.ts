import type { KeptCopy, KeptStore } from "../../agent/plan/kept_snapshot.ts";

/** A store of no cluster, which tells what was asked of it. */
export interface FakeKeptStore extends KeptStore {
  copy: KeptCopy | undefined;
  /** Whether the agent's key is noted as refused. */
  isKeyRefused: boolean;
  /** Texts by deployment object. */
  readonly bodies: Map<string, string>;
  /** What was asked, in order: `write`, `body o1`, … */
  readonly asked: string[];
  /** Thrown by every verb, once set. */
  failure: Error | undefined;
}

/** A store that keeps in memory what it is given; checksums are not looked at. */
export function fakeKeptStore(copy?: KeptCopy): FakeKeptStore {
  const answer = <T>(asked: string, work: () => T): Promise<T> => {
    store.asked.push(asked);
    return store.failure === undefined ? Promise.resolve(work()) : Promise.reject(store.failure);
  };
  const store: FakeKeptStore = {
    copy,
    isKeyRefused: false,
    bodies: new Map(),
    asked: [],
    failure: undefined,
    read: () => answer("read", () => store.copy && { ...store.copy, isKeyRefused: store.isKeyRefused }),
    write: (copy) => answer("write", () => void (store.copy = copy)),
    noteKey: (isRefused) =>
      answer(isRefused ? "refused" : "granted", () => {
        if (store.copy !== undefined) store.isKeyRefused = isRefused;
        return store.copy !== undefined;
      }),
    listBodies: () => answer("list", () => new Map([...store.bodies.keys()].map((id) => [id, true]))),
    readBody: ({ id }) => answer(`read ${id}`, () => store.bodies.get(id)),
    writeBody: ({ id }, text) => answer(`body ${id}`, () => void store.bodies.set(id, text)),
    removeOtherBodies: (wanted) =>
      answer("remove", () => [...store.bodies.keys()].forEach((id) => wanted.has(id) || store.bodies.delete(id))),
  };
  return store;
}
