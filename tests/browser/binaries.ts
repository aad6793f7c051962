import { existsSync } from "node:fs";

const PLACES = ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium"];

/** Debian's Chromium, without or with a window; `undefined` when it is missing. Only looks whether files exist. */
export function locateChromium(): string | undefined {
  return PLACES.find((path) => existsSync(path));
}
