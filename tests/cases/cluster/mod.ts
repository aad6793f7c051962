import { apiServiceCases } from "./api_service_cases.ts";
import { applyCases } from "./apply_cases.ts";
import type { ClusterCase } from "./cluster_case.ts";
import { controllerCases } from "./controller_cases.ts";
import { deleteCases } from "./delete_cases.ts";
import { definitionCases } from "./definition_cases.ts";
import { discoveryCases } from "./discovery_cases.ts";
import { immutableCases } from "./immutable_cases.ts";
import { jsonPatchCases } from "./json_patch_cases.ts";
import { leaseCases } from "./lease_cases.ts";
import { listCases } from "./list_cases.ts";
import { ownershipCases } from "./ownership_cases.ts";
import { quotaCases } from "./quota_cases.ts";
import { refusalCases } from "./refusal_cases.ts";
import { watchCases } from "./watch_cases.ts";
import { writeCases } from "./write_cases.ts";

export type { CaseCluster } from "./ask.ts";
export type { ClusterCase } from "./cluster_case.ts";

/** What a cluster must do for the agent and its tests: one list, run on every implementation. */
export const clusterCases: readonly ClusterCase[] = [
  ...discoveryCases,
  ...writeCases,
  ...applyCases,
  ...ownershipCases,
  ...jsonPatchCases,
  ...refusalCases,
  ...immutableCases,
  ...quotaCases,
  ...leaseCases,
  ...listCases,
  ...deleteCases,
  ...controllerCases,
  ...definitionCases,
  ...apiServiceCases,
  ...watchCases,
];
