import assert from "node:assert/strict";
import { encodeCursor } from "../store/paging.ts";
import { readFleetQuery } from "./fleet_query.ts";

Deno.test("readFleetQuery() reads cursors whole, however long the names that they hold", () => {
  const name = "n".repeat(255);
  const agentsAfter = encodeCursor(JSON.stringify([name, name]));
  const stacksAfter = encodeCursor(JSON.stringify([name, crypto.randomUUID()]));
  const parameters = new URLSearchParams({ agents: agentsAfter, stacks: stacksAfter });

  const { part } = readFleetQuery(new URL(`https://broker.example/console?${parameters}`), { role: "admin", id: "" });

  assert.deepEqual(part, { agentsAfter, stacksAfter });
});
