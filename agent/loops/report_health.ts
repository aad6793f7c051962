import type { NewAgentEvent, ObjectResult } from "$lib/wire/event.ts";
import { REASON_MAX } from "$lib/wire/event.ts";
import type { HealthNews, SeenHealth } from "../deliver/watched_stack.ts";
import { groupOf } from "../kube/names.ts";

type ResultHealth = Pick<ObjectResult, "health" | "health_reason" | "health_at">;

/** A stack's health as it was when it was told, to go with whatever else is reported of the stack. */
export class SaidHealth {
  /** As the broker takes it. */
  readonly ofStack: NonNullable<NewAgentEvent["health"]>;
  readonly #ofObjects = new Map<string, ResultHealth>();

  constructor({ health, reason, atMs, objects }: HealthNews) {
    const at = new Date(atMs).toISOString();
    this.ofStack = { status: health, at, ...(reason === undefined ? {} : { reason: reason.slice(0, REASON_MAX) }) };
    for (const { place: { resource, namespace, name }, verdict } of objects.values()) {
      if (verdict === undefined) continue;
      const object = { group: groupOf(resource.apiVersion), kind: resource.kind, namespace, name };
      this.#ofObjects.set(keyOf(object), wireOf(verdict));
    }
  }

  /** What is said of the object of this result; nothing of one that has no health. */
  of(result: ObjectResult): ResultHealth {
    return this.#ofObjects.get(keyOf(result)) ?? {};
  }
}

function wireOf({ health, reason, atMs }: SeenHealth): ResultHealth {
  const said = { health, health_at: new Date(atMs).toISOString() };
  return reason === undefined ? said : { ...said, health_reason: reason.slice(0, REASON_MAX) };
}

function keyOf(
  { group = "", kind, namespace = "", name }: Pick<ObjectResult, "group" | "kind" | "namespace" | "name">,
) {
  return JSON.stringify([group, kind, namespace, name]);
}
