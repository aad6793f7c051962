import type { JsonObject } from "../json.ts";
import type { KubeObject } from "../objects.ts";
import type { Parts } from "../parts.ts";
import { mergePatched } from "../patches.ts";
import { change, ensure } from "./controller_writes.ts";
import type { Denial, Writes } from "../writes.ts";
import type { Controllers } from "./mod.ts";

/** Controllers and a webhook that a test makes; each call returns what takes it back. */
export interface ControllersByHand {
  /**
   * A controller that looks at every object after each change, and lays the merge patch on it that `wants` returns: an
   * injector of `caBundle`, an autoscaler, whoever writes a field back whenever it is changed.
   */
  control(manager: string, wants: (object: KubeObject) => JsonObject | undefined): () => void;
  /** An injector that makes this object in every namespace, and again whenever it is deleted. */
  plant(manager: string, objectFor: (namespace: string) => JsonObject | undefined): () => void;
  /** A validating webhook: refuses with 403 what `deny` gives a reason for, dry runs too. */
  refuse(deny: Denial): () => void;
}

/** Makes the helpers over the controllers at work. */
export function controllersByHand(controllers: Controllers, writes: Writes): ControllersByHand {
  return {
    refuse: (deny) => writes.refuse(deny),
    control: (manager, wants) => controllers.add((parts) => writeBack(parts, manager, wants)),
    plant: (manager, objectFor) => controllers.add((parts) => plantAll(parts, manager, objectFor)),
  };
}

function writeBack(parts: Parts, manager: string, wants: (object: KubeObject) => JsonObject | undefined): void {
  for (const object of parts.store.everything()) {
    if (object.metadata.deletionTimestamp !== undefined) continue;
    const patch = wants(object);
    if (patch !== undefined) change(parts, object, mergePatched(object, patch) as KubeObject, manager);
  }
}

function plantAll(parts: Parts, manager: string, objectFor: (namespace: string) => JsonObject | undefined): void {
  for (const { metadata } of parts.store.list(parts.registry.builtIn("namespaces"))) {
    const object = metadata.deletionTimestamp === undefined ? objectFor(metadata.name) : undefined;
    if (object !== undefined) {
      ensure(parts, { ...object, metadata: placed(object, metadata.name) } as KubeObject, manager);
    }
  }
}

function placed({ metadata }: JsonObject, namespace: string): JsonObject {
  return { ...(metadata as JsonObject), namespace };
}
