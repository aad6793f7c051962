import type { Database } from "$lib/database.ts";
import { agentsCases } from "./agents_cases.ts";
import { approvalsCases } from "./approvals_cases.ts";
import { associationsCases } from "./associations_cases.ts";
import { conditionsCases } from "./conditions_cases.ts";
import { consoleSessionsCases } from "./console_sessions_cases.ts";
import { assertCounted } from "./delivery_counts.ts";
import { fleetGridCases } from "./fleet_grid_cases.ts";
import { gaugesCases } from "./gauges_cases.ts";
import { generatorsCases } from "./generators_cases.ts";
import { keysCases } from "./keys_cases.ts";
import { livesCases } from "./lives_cases.ts";
import { noticesCases } from "./notices_cases.ts";
import { overtakenCases } from "./overtaken_cases.ts";
import { policiesCases } from "./policies_cases.ts";
import { repeatsCases } from "./repeats_cases.ts";
import { reportsCases } from "./reports_cases.ts";
import { retentionCases } from "./retention_cases.ts";
import { seeingCases } from "./seeing_cases.ts";
import { settlingCases } from "./settling_cases.ts";
import { connectivityCases } from "./connectivity_cases.ts";
import { sloCases } from "./slo_cases.ts";
import { snapshotsCases } from "./snapshots_cases.ts";
import { stacksCases } from "./stacks_cases.ts";
import { type StoreCase, StoreWorld } from "./store_world.ts";
import { submissionsCases } from "./submissions_cases.ts";
import { tagsCases } from "./tags_cases.ts";
import { timesCases } from "./times_cases.ts";
import { tracesCases } from "./traces_cases.ts";
import { wholeCases } from "./whole_cases.ts";

/** Those of notices first: what others change is told by and by. */
const CASES: readonly StoreCase[] = [
  ...noticesCases,
  ...generatorsCases,
  ...keysCases,
  ...consoleSessionsCases,
  ...agentsCases,
  ...tagsCases,
  ...associationsCases,
  ...stacksCases,
  ...policiesCases,
  ...submissionsCases,
  ...snapshotsCases,
  ...settlingCases,
  ...livesCases,
  ...reportsCases,
  ...overtakenCases,
  ...repeatsCases,
  ...conditionsCases,
  ...approvalsCases,
  ...seeingCases,
  ...fleetGridCases,
  ...timesCases,
  ...tracesCases,
  ...retentionCases,
  ...gaugesCases,
  ...sloCases,
  ...connectivityCases,
  ...wholeCases,
];

/** Runs everything that a store must do on a migrated database, one step a claim. */
export async function runStoreCases(test: Deno.TestContext, database: Database): Promise<void> {
  for (const { claim, run } of CASES) await test.step(claim, () => run(new StoreWorld(database)));
  await test.step("whatever was done, deliveries are counted right", () => assertCounted(database.sql));
}
