import type { RecordedObject } from "../../plan/record.ts";
import { type GroupKind, groupKindText } from "../names.ts";

interface OfKind {
  readonly groupKind: GroupKind;
  /** How many there are in each namespace, or in none. */
  readonly namespaces: Map<string | undefined, number>;
}

/**
 * The kinds of recorded objects and where there are some, kept as records come and go: nobody counts the whole fleet.
 */
export class KindCounts {
  readonly #kinds = new Map<string, OfKind>();

  add(objects: readonly RecordedObject[]): void {
    for (const { group, kind, namespace } of objects) {
      const name = groupKindText({ group, kind });
      const ofKind = this.#kinds.get(name) ?? { groupKind: { group, kind }, namespaces: new Map() };
      ofKind.namespaces.set(namespace, (ofKind.namespaces.get(namespace) ?? 0) + 1);
      this.#kinds.set(name, ofKind);
    }
  }

  /** What was added before. */
  remove(objects: readonly RecordedObject[]): void {
    for (const object of objects) {
      const name = groupKindText(object);
      const { namespaces = new Map<string | undefined, number>() } = this.#kinds.get(name) ?? {};
      const left = (namespaces.get(object.namespace) ?? 0) - 1;
      if (left > 0) namespaces.set(object.namespace, left);
      else namespaces.delete(object.namespace);
      if (namespaces.size === 0) this.#kinds.delete(name);
    }
  }

  kinds(): readonly GroupKind[] {
    return [...this.#kinds.values()].map(({ groupKind }) => groupKind);
  }

  namespacesOf(groupKind: GroupKind): readonly string[] {
    const { namespaces } = this.#kinds.get(groupKindText(groupKind)) ?? {};
    return [...namespaces?.keys() ?? []].flatMap((namespace) => namespace ?? []);
  }
}
