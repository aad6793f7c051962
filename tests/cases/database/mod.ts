import { makeItems, runCase } from "./database_case.ts";
import type { CaseDatabase, DatabaseCase } from "./database_case.ts";
import { countCases } from "./count_cases.ts";
import { failureCases } from "./failure_cases.ts";
import { noticeCases } from "./notice_cases.ts";
import { transactionCases } from "./transaction_cases.ts";
import { valueCases } from "./value_cases.ts";

/** What every database must do. */
const DATABASE_CASES: readonly DatabaseCase[] = [
  ...valueCases,
  ...transactionCases,
  ...failureCases,
  ...noticeCases,
  ...countCases,
];

/** Runs every case as a step of `test` on one database, which has no table `items` yet. */
export async function runDatabaseCases(test: Deno.TestContext, on: CaseDatabase): Promise<void> {
  await makeItems(on.database.sql);
  for (const each of DATABASE_CASES) await test.step(each.name, () => runCase(each, on));
}
