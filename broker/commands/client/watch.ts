import { messageOf } from "$lib/error.ts";
import { isFailure } from "$lib/error.ts";
import { type ClientParts, EXIT } from "./declaration.ts";
import type { Format } from "./flags.ts";
import { listLines, type Shown, textOf } from "./output.ts";
import { Screen } from "./screen.ts";
import { lastingTexts } from "./table.ts";
import { plain } from "./text.ts";

const INTERVAL_MS = 2_000;
/** A list that is slow to read is read less often: reading takes a tenth of the time at most. */
const READING_SHARE = 10;

/**
 * Shows a list until whoever watches has seen enough: redrawn on a terminal, else each item when it is new or has
 * changed by more than its age. A broker that goes away is waited for.
 */
export async function watch<T>(
  read: () => Promise<Shown<T>>,
  format: Format,
  parts: ClientParts,
): Promise<number> {
  const { terminal, clock, signal } = parts;
  const isDrawn = terminal.output.isTerminal && format === "table";
  const show = isDrawn ? drawn<T>(parts) : appended<T>(format, parts);
  let isAway = false;
  try {
    while (true) {
      const startMs = clock.monotonic();
      try {
        await show(await read());
        isAway = false;
      } catch (error) {
        if (!isFailure(error, "broker_unavailable")) throw error;
        if (!isAway) terminal.notes.write(`${plain(messageOf(error))}; it is asked again\n`);
        isAway = true;
      }
      await clock.sleep(Math.max(INTERVAL_MS, READING_SHARE * (clock.monotonic() - startMs)), signal);
    }
  } catch (error) {
    if (signal.aborted) return EXIT.done;
    throw error;
  }
}

function drawn<T>(parts: ClientParts): (shown: Shown<T>) => void {
  const screen = new Screen(parts.terminal.output);
  return (shown) => {
    if (shown.items.length === 0) return screen.draw([shown.none]);
    const lines = listLines(shown, parts);
    const room = screen.size.rows - 2;
    const hidden = lines.length - room;
    screen.draw(hidden <= 0 ? lines : [...lines.slice(0, room), `and ${hidden} more`]);
  };
}

function appended<T>(format: Format, parts: ClientParts): (shown: Shown<T>) => Promise<void> {
  const { output } = parts.terminal;
  let known = new Map<string, number>();
  let isFirst = true;
  return async (shown) => {
    const texts = shown.items.map((item) => lastingTexts(item, shown.columns));
    const at = texts.flatMap((text, index) => known.has(text) ? [] : [index]);
    known = new Map(texts.map((text, index) => [text, index]));
    if (format === "table") {
      const lines = listLines(shown, parts);
      const fresh = at.map((index) => lines[index + 1] ?? "");
      if (fresh.length > 0) output.write([...(isFirst ? lines.slice(0, 1) : []), ...fresh, ""].join("\n"));
    } else {
      for (const index of at) output.write(await documentOf(shown.raw[index], format));
    }
    isFirst = false;
  };
}

/** One of several: a line of JSON, or a document of YAML. */
async function documentOf(value: unknown, format: Exclude<Format, "table">): Promise<string> {
  return format === "json" ? `${JSON.stringify(value)}\n` : `---\n${await textOf(value, format)}`;
}
