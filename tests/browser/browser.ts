import assert from "node:assert/strict";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { locateChromium } from "./binaries.ts";

/**
 * Debian's Chromium, without a window and, as root has none, without a sandbox: it opens pages of this machine alone.
 */
export async function openBrowser(): Promise<Browser & AsyncDisposable> {
  const executablePath = locateChromium();
  if (executablePath === undefined) throw new Error("Cannot open a browser: it is not on this machine; see testWith()");
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  return Object.assign(browser, { [Symbol.asyncDispose]: () => browser.close() });
}

/** Of a browser on a machine whose cores are busy with something else. */
const PATIENCE_MS = 120_000;

/** A page, and all that its browser complained of. */
export interface WatchedPage {
  readonly page: Page;
  readonly complaints: readonly string[];
}

/** Opens a page in a context of its own: with its own cookies. */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1_280, height: 860 }, ...options });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", ({ message }) => complaints.push(message));
  return { page, complaints };
}

/** Signs in with a key, on the page that asks for it. */
export async function signIn(page: Page, url: string, pak: string): Promise<void> {
  await page.goto(`${url}/console/sign-in`);
  await page.getByLabel("Key").fill(pak);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Fleet" }).waitFor();
}

/** Fails with what keeps somebody from using the page: axe runs beside it, where no policy of the page's holds it. */
export async function assertAccessible(page: Page, what: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const run = `${axe.source}; axe.run(document).then(({ violations }) => JSON.stringify(violations.map(
    ({ id, nodes }) => id + ": " + nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(" | "))))`;
  const { result } = await session.send("Runtime.evaluate", { expression: run, awaitPromise: true });
  await session.detach();
  assert.equal(result.value, "[]", what);
}
