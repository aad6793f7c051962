import { alternativeCases } from "./alternative_cases.ts";
import { applyCases } from "./apply_cases.ts";
import { awayCases } from "./away_cases.ts";
import { byHandCases } from "./by_hand_cases.ts";
import { gateCases } from "./gate_cases.ts";
import { handoverCases } from "./handover_cases.ts";
import { inTurnCases } from "./in_turn_cases.ts";
import { inventoryCases } from "./inventory_cases.ts";
import { manifestCases } from "./manifest_cases.ts";
import { ownPodCases } from "./own_pod_cases.ts";
import { policyCases } from "./policy_cases.ts";
import { pruneCases } from "./prune_cases.ts";
import type { ReconcileCase } from "./reconcile_case.ts";
import { reappearedCases } from "./reappeared_cases.ts";
import { recordCases } from "./record_cases.ts";
import { replaceCases } from "./replace_cases.ts";
import { stageCases } from "./stage_cases.ts";
import { takeOverCases } from "./take_over_cases.ts";
import { typeCases } from "./type_cases.ts";
import { versionCases } from "./version_cases.ts";

export type { ReconcileCase } from "./reconcile_case.ts";

/** What an agent's work on a cluster must come to, on every kind of cluster. */
export const reconcileCases: readonly ReconcileCase[] = [
  ...alternativeCases,
  ...applyCases,
  ...awayCases,
  ...byHandCases,
  ...gateCases,
  ...handoverCases,
  ...inTurnCases,
  ...ownPodCases,
  ...policyCases,
  ...pruneCases,
  ...inventoryCases,
  ...reappearedCases,
  ...recordCases,
  ...replaceCases,
  ...stageCases,
  ...typeCases,
  ...versionCases,
  ...manifestCases,
  ...takeOverCases,
];
