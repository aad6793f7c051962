import stringWidth from "string-width";

/** How text is coloured where a person looks at it. */
export type Colour = "good" | "bad" | "doubtful" | "dim" | "bold";

/** Text that colours, or leaves text as it is. */
export type Paint = (text: string, colour: Colour | undefined) => string;

const CODES: Readonly<Record<Colour, number>> = { good: 32, bad: 31, doubtful: 33, dim: 2, bold: 1 };
const ASCII = /^[\x20-\x7e]*$/;
/** What moves the cursor, turns text around or shows as nothing: text from outside must not, in a terminal. */
const NOT_SHOWN =
  /[\p{Cc}\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]+/gu;
const SEGMENTS = new Intl.Segmenter();
const DIGITS = 10;

/** Colours for a stream: none where no person looks, or where `NO_COLOR` or a dumb terminal asks for none. */
export function painterFor(
  { isTerminal }: { readonly isTerminal: boolean },
  env: Readonly<Record<string, string>>,
): Paint {
  const isPlain = !isTerminal || (env.NO_COLOR ?? "") !== "" || env.TERM === "dumb";
  return (text, colour) => isPlain || colour === undefined ? text : `\x1b[${CODES[colour]}m${text}\x1b[0m`;
}

/** Text from outside as one line that shows as it is. */
export function plain(text: string): string {
  return ASCII.test(text) ? text : text.replace(NOT_SHOWN, (run) => /^\s+$/.test(run) ? " " : "\ufffd");
}

/** How many columns a terminal takes for a text, colours apart. */
export function widthOf(text: string): number {
  return ASCII.test(text) ? text.length : stringWidth(text);
}

/** The text cut to so many columns, its end marked by an ellipsis where it is cut. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width < 1) return "";
  let kept = "";
  let room = width - 1;
  for (const { segment } of SEGMENTS.segment(text)) {
    room -= widthOf(segment);
    if (room < 0) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** The text with spaces behind it, up to so many columns. */
export function padded(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

/** A duration as people say it: `45s`, `12m`, `3h`, `5d`. */
export function ageText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 120) return `${whole}s`;
  if (whole < 120 * 60) return `${Math.floor(whole / 60)}m`;
  return whole < 48 * 3_600 ? `${Math.floor(whole / 3_600)}h` : `${Math.floor(whole / 86_400)}d`;
}

/** How long ago a time of the API was. */
export function agoText(time: string, nowMs: number): string {
  return ageText((nowMs - Date.parse(time)) / 1_000);
}

/** `1 agent`, `3 agents`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** A size as people say it: `812 B`, `4.2 KB`, `17 MB`. */
export function sizeText(bytes: number): string {
  const [unit, divisor] = bytes < 1_024
    ? ["B", 1] as const
    : bytes < 1_048_576
    ? ["KB", 1_024] as const
    : ["MB", 1_048_576] as const;
  const size = bytes / divisor;
  return `${unit === "B" || size >= DIGITS ? Math.round(size) : size.toFixed(1)} ${unit}`;
}
