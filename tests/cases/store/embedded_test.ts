import { embeddedDatabase } from "../../fakes/databases.ts";
import { runStoreCases } from "./mod.ts";

Deno.test("the store does on the embedded database what every store must do", async (test) => {
  await using embedded = await embeddedDatabase();

  await runStoreCases(test, embedded.database);
});
