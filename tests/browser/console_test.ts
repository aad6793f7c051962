import assert from "node:assert/strict";
import type { Browser } from "playwright-core";
import { testWith } from "../run/parts.ts";
import { assertAccessible, openBrowser, openPage, signIn } from "./browser.ts";
import { addOddNames, type ConsoleFleet, fillFleet, ODD_NAMES, REGION } from "./console_fleet.ts";
import { type ConsoleWorld, consoleWorld } from "./console_world.ts";

/** What was heard of when the fleet was made is not late before a test says so. */
const LIMITS = { lateAfterSeconds: 6_000, lostAfterSeconds: 60_000 };
const WIDTHS = { wide: { width: 1_280, height: 860 }, phone: { width: 390, height: 844 } };

/** A part of the console, as a person finds it. */
interface BrowserCase {
  readonly claim: string;
  run(browser: Browser, world: ConsoleWorld, fleet: ConsoleFleet): Promise<void>;
}

testWith(["postgres", "chromium"], "the console in a browser", async (t) => {
  await using browser = await openBrowser();
  await using world = await consoleWorld({
    BROKKR__CONSOLE__GROUP_BY: REGION,
    BROKKR__AGENTS__LATE_AFTER_SECONDS: String(LIMITS.lateAfterSeconds),
    BROKKR__AGENTS__LOST_AFTER_SECONDS: String(LIMITS.lostAfterSeconds),
  });
  const fleet = await fillFleet(world.store);
  for (const { claim, run } of CASES) await t.step(claim, () => run(browser, world, fleet));
});

const CASES: readonly BrowserCase[] = [
  {
    claim: "everybody can use every page, in the light, in the dark and on a phone; nothing is complained of",
    async run(browser, world, fleet) {
      for (const colorScheme of ["light", "dark"] as const) {
        for (const [name, viewport] of Object.entries(WIDTHS)) {
          const { page, complaints } = await openPage(browser, { colorScheme, viewport });
          await page.goto(`${world.url}/console`);
          await assertAccessible(page, `sign in, ${colorScheme}, ${name}`);
          await signIn(page, world.url, fleet.adminPak);
          for (const path of await pathsOf(world, fleet)) {
            await page.goto(world.url + path);
            await assertAccessible(page, `${path}, ${colorScheme}, ${name}`);
            const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
            assert.ok(Number(overflow) <= 0, `${path} is ${overflow} too wide, ${name}`);
          }
          assert.deepEqual(complaints, []);
          await page.context().close();
        }
      }
    },
  },
  {
    claim: "works without JavaScript",
    async run(browser, world, fleet) {
      const { page } = await openPage(browser, { javaScriptEnabled: false });
      await signIn(page, world.url, fleet.adminPak);
      await page.locator("select[name=health]").selectOption("degraded");
      await page.getByRole("button", { name: "Filter" }).click();
      await page.getByTitle(/^applied, degraded/).click();
      await page.getByText("ImagePullBackOff").first().waitFor();
      await page.context().close();
    },
  },
  {
    claim: "works by keyboard alone: sign in, to the content, to a delivery",
    async run(browser, world, fleet) {
      const { page } = await openPage(browser);
      await signIn(page, world.url, fleet.adminPak);
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      assert.equal(await page.evaluate("document.activeElement.id"), "main");
      for (let presses = 0; presses < 80 && !await isOnCell(page); presses += 1) await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "What is in its way" }).waitFor();
      await page.context().close();
    },
  },
  {
    claim: "a rollback takes a link, a look and a button",
    async run(browser, world, fleet) {
      const { page, complaints } = await openPage(browser);
      await signIn(page, world.url, fleet.generatorPak);
      await page.goto(`${world.url}/console/stacks/${fleet.stacks.get("web")}`);
      await page.getByRole("link", { name: /^What changed/ }).first().click();
      await page.getByText("image: registry.example.org/web:1.4.1").waitFor();
      assert.doesNotMatch(await page.content(), /hunter/);
      await page.goBack();
      await page.getByRole("link", { name: /^Roll back/ }).first().click();
      await page.getByRole("button", { name: /^Roll back to/ }).click();
      await page.getByRole("status").waitFor();
      const history = await world.store.stackHistory.list(fleet.stacks.get("web") ?? "", LIMITS);
      assert.equal(history.items[0]?.object.yamlChecksum, history.items[2]?.object.yamlChecksum);
      assert.deepEqual(complaints, []);
      await page.context().close();
    },
  },
  {
    claim: "a held removal is approved, once what it is was read",
    async run(browser, world, fleet) {
      const { page, complaints } = await openPage(browser);
      await signIn(page, world.url, fleet.adminPak);
      const id = fleet.agents.get("toronto") ?? "";
      await page.goto(`${world.url}/console/agents/${id}`);
      await page.getByRole("button", { name: "Approve" }).click();
      assert.ok(page.url().endsWith(id), "it was taken unread");
      await page.getByLabel("I have read").check();
      await page.getByRole("button", { name: "Approve" }).click();
      await page.getByRole("status").waitFor();
      const { pruneApproved } = await world.store.snapshots.read(id, { isOwn: false });
      assert.ok(pruneApproved);
      assert.deepEqual(complaints, []);
      await page.context().close();
    },
  },
  {
    claim: "an agent that dies turns stale before one's eyes, and well when it is back",
    async run(browser, world, fleet) {
      const { page } = await openPage(browser);
      await page.clock.install();
      await signIn(page, world.url, fleet.adminPak);
      const cell = page.locator(
        `a[href="/console/deliveries/${fleet.agents.get("dublin")}/${fleet.stacks.get("web")}"]`,
      );
      assert.match(await cell.getAttribute("title") ?? "", /^pending|^applied, healthy/);
      await silence(world, fleet.agents.get("dublin") ?? "", LIMITS.lateAfterSeconds);
      await page.clock.fastForward(10_000);
      await page.locator("td.unknown").filter({ has: cell }).waitFor();
      assert.match(await cell.getAttribute("title") ?? "", /unknown, last known healthy/);
      await world.store.agents.heartbeat(fleet.agents.get("dublin") ?? "", {});
      await page.clock.fastForward(10_000);
      await page.locator("td:not(.unknown)").filter({ has: cell }).waitFor();
      await page.context().close();
    },
  },
  {
    claim: "what teams name things runs nothing, hides nothing, and breaks no page",
    async run(browser, world, fleet) {
      const id = await addOddNames(world.store);
      const { page, complaints } = await openPage(browser, { viewport: WIDTHS.phone });
      await signIn(page, world.url, fleet.adminPak);
      for (const path of ["/console", `/console/agents/${id}`]) {
        await page.goto(world.url + path);
        assert.equal(await page.locator("main img, main b:text('antarctica')").count(), 0);
        const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
        assert.ok(Number(overflow) <= 0, `${path} is ${overflow} too wide`);
      }
      for (const name of ODD_NAMES) assert.ok(await page.getByText(name, { exact: true }).count() > 0, name);
      assert.deepEqual(complaints, []);
      await page.context().close();
    },
  },
  {
    claim: "the API's page draws every path under its policy",
    async run(browser, world) {
      const { page, complaints } = await openPage(browser);
      await page.goto(`${world.url}/docs`);
      await page.getByText("/api/v1/deliveries").first().waitFor();
      assert.deepEqual(complaints, []);
      await page.context().close();
    },
  },
];

async function isOnCell(page: { evaluate(expression: string): Promise<unknown> }): Promise<boolean> {
  return await page.evaluate("document.activeElement.closest('table.grid td') !== null") === true;
}

async function silence({ database: { sql } }: ConsoleWorld, agentId: string, seconds: number): Promise<void> {
  await sql`
    update agent_heartbeats set last_heartbeat = now() - make_interval(secs => ${seconds}) where agent_id = ${agentId}`;
}

async function pathsOf({ store }: ConsoleWorld, { agents, stacks }: ConsoleFleet): Promise<readonly string[]> {
  const of = (agent: string, stack: string) => `/console/deliveries/${agents.get(agent)}/${stacks.get(stack)}`;
  const payments = `/console/stacks/${stacks.get("payments")}`;
  const { items } = await store.stackHistory.list(stacks.get("payments") ?? "", LIMITS);
  const [to, from] = items.map(({ object }) => object.sequenceId);
  return [
    ...["/console", "/console?group=is:europe", of("paris", "orders"), of("tokyo", "payments")],
    ...[payments, `${payments}/diff?from=${from}&to=${to}`, `${payments}/rollback?to=${from}`],
    ...[`/console/agents/${agents.get("toronto")}`],
  ];
}
