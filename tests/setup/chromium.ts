import { locateChromium } from "../browser/binaries.ts";
import { openApt } from "./apt.ts";
import type { Say } from "./commands.ts";

/** Of Debian's, the program without a window where there is one; and a font, without which pages have no letters. */
const PACKAGES = ["chromium-headless-shell", "chromium"];
const FONT = "fonts-dejavu-core";

/** Finds Chromium, or installs Debian's; answers where it is. */
export async function setUpChromium(say: Say): Promise<string> {
  const found = locateChromium();
  if (found !== undefined) return found;
  const apt = openApt(say);
  await apt.update();
  for (const name of PACKAGES) {
    const version = await apt.candidate(name);
    if (version === undefined) continue;
    say(`Chromium: installing ${name} ${version}`);
    await apt.install([name, FONT]);
    const installed = locateChromium();
    if (installed !== undefined) return installed;
  }
  throw new Error(`Cannot install Chromium: this machine's packages have no ${PACKAGES.join(" or ")}`);
}
