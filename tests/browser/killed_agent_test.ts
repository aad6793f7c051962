import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import { testWith } from "../run/parts.ts";
import { configMap } from "../system/bundles.ts";
import { HEALTHY_PAGES } from "../system/healthy_pages.ts";
import { ageHeartbeat } from "../system/refresh.ts";
import { eventually } from "../system/wait.ts";
import { openWorld } from "../system/world.ts";
import { openBrowser, openPage, signIn } from "./browser.ts";

const LATE_SECONDS = 60;
/** A page that somebody looks at is read again so often. */
const REFRESH_MS = 10_000;

testWith(
  ["postgres", "chromium"],
  "pages that are open call nothing of a killed agent healthy once it is late and they are read again, and all of it once it is back",
  async () => {
    await using browser = await openBrowser();
    const brokerSettings = { AGENTS__LATE_AFTER_SECONDS: String(LATE_SECONDS), AGENTS__LOST_AFTER_SECONDS: "600" };
    await using world = await openWorld({ parts: ["postgres"], brokerSettings });
    const stackId = await world.addStack("web");
    await world.untilApplied(await world.submit(stackId, configMap("web")));
    const all = HEALTHY_PAGES.map(({ name }) => name);
    const open = await Promise.all(HEALTHY_PAGES.map(async ({ name, pathOf, healthy }) => {
      const { page, complaints } = await openPage(browser);
      await page.clock.install();
      await signIn(page, world.broker.url, world.adminPak);
      await page.goto(world.broker.url + pathOf({ agentId: world.agentId, stackId }));
      return { name, page, healthy, complaints };
    }));
    const calledHealthy = async () => {
      const said = await Promise.all(open.map(async ({ name, page, healthy }) => {
        await readAgain(page);
        return healthy.test(await page.locator("main").innerHTML()) ? [name] : [];
      }));
      return said.flat();
    };
    await eventually("every page says that it is healthy", async () => (await calledHealthy()).length === all.length);

    await world.agent.kill();
    await ageHeartbeat(world, LATE_SECONDS);
    const whileAway = await calledHealthy();
    await world.startAgent();
    await eventually("every page says so again", async () => (await calledHealthy()).length === all.length);

    assert.deepEqual(whileAway, []);
    assert.deepEqual(open.flatMap(({ complaints }) => complaints), []);
  },
);

/** Lets the time pass until the page is read again, and waits until it was. */
async function readAgain(page: Page): Promise<void> {
  const answered = page.waitForResponse((answer) => answer.url() === page.url());
  await page.clock.fastForward(REFRESH_MS);
  await (await answered).finished();
}
