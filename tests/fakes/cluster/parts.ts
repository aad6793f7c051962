import { Deletes } from "./deletes.ts";
import type { Target } from "./decode.ts";
import type { KubeObject } from "./objects.ts";
import { Reads } from "./reads.ts";
import { Registry } from "./registry.ts";
import { Store } from "./store.ts";
import { Writes } from "./writes.ts";

/** What the server and the controllers work with. */
export interface Parts {
  readonly store: Store;
  readonly registry: Registry;
  readonly reads: Reads;
  readonly writes: Writes;
  readonly deletes: Deletes;
}

/** Puts the parts of an empty cluster together. */
export function createParts(options: { historyLimit: number }): Parts {
  const store = new Store(options);
  const registry = new Registry();
  const writes = new Writes({ store, registry });
  return { store, registry, reads: new Reads({ store }), writes, deletes: new Deletes({ store, writes }) };
}

/** Where an object is, or `undefined` when its kind is not served. */
export function targetOf(registry: Registry, object: KubeObject): Target | undefined {
  const type = registry.ofKind(object.apiVersion, object.kind);
  const { namespace, name } = object.metadata;
  return type === undefined ? undefined : { type, namespace, name };
}
