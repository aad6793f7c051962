import { at, objectOr } from "../json.ts";
import type { Parts } from "../parts.ts";
import { usedStatus } from "../quota.ts";
import { changeStatus } from "./controller_writes.ts";

/** Counts what each quota limits, and takes its limits over into the status, from which on they hold. */
export function countQuotas(parts: Parts): void {
  for (const quota of parts.store.list(parts.registry.builtIn("resourcequotas"))) {
    const hard = objectOr(at(quota, "spec", "hard"));
    const used = usedStatus(parts.store, quota.metadata.namespace ?? "", Object.keys(hard));
    changeStatus(parts, quota, { hard, used });
  }
}
