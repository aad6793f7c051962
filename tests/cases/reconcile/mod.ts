import { applyCases } from "./apply_cases.ts";
import { inventoryCases } from "./inventory_cases.ts";
import { manifestCases } from "./manifest_cases.ts";
import { pruneCases } from "./prune_cases.ts";
import type { ReconcileCase } from "./reconcile_case.ts";
import { typeCases } from "./type_cases.ts";

export type { ReconcileCase } from "./reconcile_case.ts";

/** What an agent's work on a cluster must come to, on every kind of cluster. */
export const reconcileCases: readonly ReconcileCase[] = [
  ...applyCases,
  ...pruneCases,
  ...inventoryCases,
  ...typeCases,
  ...manifestCases,
];
