/**
 * `deno task screenshots`: the pictures of the documents, of a fleet that tests use; look at them before you keep them.
 */
import type { Page } from "playwright-core";
import { openBrowser, openPage, signIn } from "./browser.ts";
import { type ConsoleFleet, fillFleet } from "./console_fleet.ts";
import { consoleWorld } from "./console_world.ts";

const FOLDER = new URL("../../docs/content/how-to/images/", import.meta.url).pathname;
const SIZE = { width: 1_080, height: 720 };

if (import.meta.main) await take();

async function take(): Promise<void> {
  await using browser = await openBrowser();
  await using world = await consoleWorld();
  const fleet = await fillFleet(world.store);
  const silent = fleet.agents.get("mumbai") ?? "";
  await world.database.sql`
    update agent_heartbeats set last_heartbeat = now() - interval '4 minutes' where agent_id = ${silent}`;
  await Deno.mkdir(FOLDER, { recursive: true });
  const { page } = await openPage(browser, { viewport: SIZE });
  await signIn(page, world.url, fleet.adminPak);
  await save(page, "console-fleet");
  for (const [name, path] of pathsOf(fleet)) {
    await page.goto(world.url + path);
    await save(page, name);
  }
}

function pathsOf({ agents, stacks }: ConsoleFleet): readonly (readonly [name: string, path: string])[] {
  return [
    ["console-delivery", `/console/deliveries/${agents.get("tokyo")}/${stacks.get("payments")}`],
    ["console-stack", `/console/stacks/${stacks.get("payments")}`],
    ["console-agent", `/console/agents/${agents.get("toronto")}`],
  ];
}

async function save(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${FOLDER}/${name}.png`, fullPage: true });
  console.log(`${FOLDER}${name}.png`);
}
