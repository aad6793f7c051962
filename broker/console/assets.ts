import base from "simpledotcss/simple.min.css" with { type: "text" };
import { sha256HexSync } from "$lib/ids.ts";
import { Failure } from "$lib/error.ts";
import { answerOf } from "$lib/serve/long_answer.ts";
import own from "./console.css" with { type: "text" };
import script from "./refresh.js" with { type: "text" };

const FOLDER = "/console/assets";
const STYLE = asset(base + own, "css", "text/css; charset=utf-8");
const SCRIPT = asset(script, "js", "text/javascript; charset=utf-8");
/** A square of one colour: browsers ask for an icon, whatever a page says. */
const ICON = asset(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="8" rx="2" fill="#1b4f91"/></svg>`,
  "svg",
  "image/svg+xml",
);

/** Where the style sheet is; its name changes with it. */
export const STYLE_PATH = `${FOLDER}/${STYLE.name}`;
/** Where the script is that refreshes pages. */
export const SCRIPT_PATH = `${FOLDER}/${SCRIPT.name}`;

/** Where the icon is. */
export const ICON_PATH = `${FOLDER}/${ICON.name}`;

/** A file that pages name, for everybody and for ever. @throws {Failure} `not_found`. */
export function findAsset(name: string): Response {
  const found = [STYLE, SCRIPT, ICON].find((one) => one.name === name);
  if (found === undefined) throw new Failure("not_found", "Cannot find the file: no page names it");
  const { bytes, type } = found;
  return answerOf(bytes, {
    headers: { "content-type": type, "cache-control": "public, max-age=31536000, immutable" },
  });
}

function asset(text: string, ending: string, type: string) {
  return { name: `${sha256HexSync(text).slice(0, 16)}.${ending}`, bytes: new TextEncoder().encode(text), type };
}
