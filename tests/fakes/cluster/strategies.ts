import { prohibited, wrong } from "./causes.ts";
import type { Cause } from "./failure.ts";
import { at, isJsonObject, type JsonObject, objectOr } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import { filledIn } from "./pod_defaults.ts";

interface Strategy {
  /** Its name in the specification. */
  readonly field: string;
  /** How it is rolled out where nothing else is said. */
  readonly rolling: JsonObject;
}

const ROLLING = "RollingUpdate";

const STRATEGIES: Readonly<Record<string, Strategy>> = {
  Deployment: { field: "strategy", rolling: { maxUnavailable: "25%", maxSurge: "25%" } },
  StatefulSet: { field: "updateStrategy", rolling: { partition: 0 } },
  DaemonSet: { field: "updateStrategy", rolling: { maxUnavailable: 1, maxSurge: 0 } },
};

/**
 * A workload with what the server fills in of how it is rolled out; of what is not rolled out step by step, nothing.
 */
export function withStrategy(kind: string, object: KubeObject): KubeObject {
  const strategy = STRATEGIES[kind];
  if (strategy === undefined) return object;
  const { field, rolling } = strategy;
  const given = filledIn(at(object, "spec", field), { type: ROLLING });
  const filled = given.type === ROLLING ? filledIn(given, { rollingUpdate: rolling }) : given;
  return { ...object, spec: { ...objectOr(object.spec), [field]: filled } };
}

/** A DaemonSet may keep what it does not use. */
export function strategyFaults({ kind, spec }: KubeObject): readonly Cause[] {
  if (kind === "Deployment") {
    const { type, rollingUpdate } = objectOr(at(spec, "strategy"));
    const why = "may not be specified when strategy `type` is 'Recreate'";
    return type === "Recreate" && isJsonObject(rollingUpdate) ? [prohibited("spec.strategy.rollingUpdate", why)] : [];
  }
  const { type, rollingUpdate } = objectOr(at(spec, "updateStrategy"));
  if (kind !== "StatefulSet" || type !== "OnDelete" || !isJsonObject(rollingUpdate)) return [];
  const value = { Partition: rollingUpdate.partition ?? null, MaxUnavailable: rollingUpdate.maxUnavailable ?? null };
  return [wrong("spec.updateStrategy.rollingUpdate", value, "only allowed for updateStrategy 'RollingUpdate'")];
}
