import assert from "node:assert/strict";
import { allPages } from "../rules/documents/page.ts";
import { blocksOf } from "./blocks.ts";

/** What a shell says against a script that it only reads; empty where it is one. */
async function faultsIn(script: string): Promise<string> {
  const { success, stderr } = await new Deno.Command("bash", { args: ["-n", "-c", script] }).output();
  return success ? "" : new TextDecoder().decode(stderr);
}

Deno.test("documents: what they show for a shell is read by one, with its quotes and placeholders", async () => {
  const blocks = (await Promise.all((await allPages()).map(({ path }) => blocksOf(path)))).flat();
  const scripts = blocks.filter(({ language }) => language === "sh");
  assert.ok(scripts.length > 50, "the documents must have scripts");

  const faults = await Promise.all(scripts.map(async ({ text, where }) => ({ where, said: await faultsIn(text) })));

  assert.deepEqual(faults.filter(({ said }) => said !== ""), []);
  assert.match(await faultsIn("export KEY='<the admin's key>'\n"), /unexpected EOF/);
});
