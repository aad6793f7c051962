import { embeddedDatabase } from "../../fakes/databases.ts";
import { ManualClock } from "../../fakes/manual_clock.ts";
import { recordedStatements } from "../../fakes/recorded_statements.ts";
import { runDatabaseCases } from "./mod.ts";

Deno.test("the embedded database does what every database must do", async (test) => {
  const [clock, statements] = [new ManualClock(), recordedStatements()];
  await using embedded = await embeddedDatabase({ isMigrated: false, clock, metrics: statements.metrics });

  await runDatabaseCases(test, { database: embedded.database, clock, statements, poolSize: 1 });
});
