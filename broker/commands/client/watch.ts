import { isFailure, messageOf } from "$lib/error.ts";
import { type ClientParts, EXIT } from "./declaration.ts";
import type { Format } from "./flags.ts";
import { listLines, type Shown, textOf } from "./output.ts";
import { canRedraw, OF_BEFORE, Screen } from "./screen.ts";
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
  const { terminal, env, clock, signal } = parts;
  const isDrawn = canRedraw(terminal.output, env) && format === "table";
  const shower = isDrawn ? drawn<T>(parts) : appended<T>(format, parts);
  try {
    while (true) {
      const startMs = clock.monotonic();
      try {
        await shower.show(await read());
      } catch (error) {
        if (!isFailure(error, "broker_unavailable")) throw error;
        shower.isAway(plain(messageOf(error)));
      }
      await clock.sleep(Math.max(INTERVAL_MS, READING_SHARE * (clock.monotonic() - startMs)), signal);
    }
  } catch (error) {
    if (signal.aborted) return EXIT.done;
    throw error;
  }
}

/** Shows a list again and again, and that the broker does not answer. */
interface Shower<T> {
  show(shown: Shown<T>): Promise<void> | void;
  isAway(why: string): void;
}

/** Everything in one place: a line beside it would move that. */
function drawn<T>(parts: ClientParts): Shower<T> {
  const screen = new Screen(parts.terminal.output);
  let shown: Shown<T> | undefined;
  const draw = (first: readonly string[]) => {
    const lines = [...first, ...(shown === undefined ? [] : frameOf(shown, parts))];
    const room = screen.size.rows - 2;
    const hidden = lines.length - room;
    screen.draw(hidden <= 0 ? lines : [...lines.slice(0, room), `and ${hidden} more`]);
  };
  return {
    show(next) {
      shown = next;
      draw([]);
    },
    isAway: (why) => draw([shown === undefined ? `${why}; it is asked again` : `${OF_BEFORE}: ${why}`]),
  };
}

function frameOf<T>(shown: Shown<T>, parts: ClientParts): readonly string[] {
  const note = shown.note === undefined ? [] : [shown.note];
  return shown.items.length === 0 ? [shown.none] : [...note, ...listLines(shown, parts)];
}

function appended<T>(format: Format, { terminal: { output, notes }, ...parts }: ClientParts): Shower<T> {
  let known = new Map<string, number>();
  let said: string | undefined;
  let isFirst = true;
  let isAway = false;
  return {
    async show(shown) {
      const texts = shown.items.map((item) => lastingTexts(item, shown.columns));
      const at = texts.flatMap((text, index) => known.has(text) ? [] : [index]);
      known = new Map(texts.map((text, index) => [text, index]));
      isAway = false;
      if (shown.note !== undefined && shown.note !== said) notes.write(`${shown.note}\n`);
      said = shown.note;
      if (at.length === 0) return;
      if (format !== "table") {
        for (const index of at) output.write(await documentOf(shown.raw[index], format));
        return;
      }
      const lines = listLines(shown, { terminal: { output }, ...parts });
      const fresh = at.map((index) => lines[index + 1] ?? "");
      output.write([...(isFirst ? lines.slice(0, 1) : []), ...fresh, ""].join("\n"));
      isFirst = false;
    },
    isAway(why) {
      if (!isAway) notes.write(`${why}; it is asked again\n`);
      isAway = true;
    },
  };
}

/** One of several: a line of JSON, or a document of YAML. */
async function documentOf(value: unknown, format: Exclude<Format, "table">): Promise<string> {
  return format === "json" ? `${JSON.stringify(value)}\n` : `---\n${await textOf(value, format)}`;
}
