import { postgresDatabase } from "../../fakes/databases.ts";
import { testWith } from "../../run/parts.ts";
import { runStoreCases } from "./mod.ts";

testWith("postgres", "the store does on PostgreSQL what every store must do", async (test) => {
  await using postgres = await postgresDatabase();

  await runStoreCases(test, postgres.database);
});
