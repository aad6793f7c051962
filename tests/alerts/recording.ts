/** Who has a page. */
export const RECORDED = ["broker", "agent"] as const;
/** One of {@linkcode RECORDED}. */
export type Recorded = (typeof RECORDED)[number];

/** A series' values, one for each step; undefined where it was not on the page. */
export type Values = readonly (number | undefined)[];

/** What was on the programs' pages, step by step, while something broke and was mended. */
export interface Recording {
  /** When the first step was, in seconds since 1970. */
  readonly startedSeconds: number;
  /** How long a step took. */
  readonly stepSeconds: number;
  readonly steps: number;
  /** The first step after it broke. */
  readonly broken: number;
  /** The first step after it was mended. */
  readonly mended: number;
  /** By program; a series as the page writes it, and `up` besides: 1 while there was a page. */
  readonly pages: ReadonlyMap<Recorded, ReadonlyMap<string, Values>>;
}

const NUMBERS = ["startedSeconds", "stepSeconds", "steps", "broken", "mended"] as const;

/** A recording as the text of a fixture; equal values in a row are written once. */
export function writeRecording(recording: Recording, heading: string): string {
  const lines = [...recording.pages].flatMap(([program, page]) =>
    [...page].map(([series, values]) => `${program} ${series} ${shortened(values)}`)
  );
  const numbers = NUMBERS.map((name) => `${name} ${recording[name]}`);
  return `# ${heading}\n${[...numbers, ...lines].join("\n")}\n`;
}

/**
 * Reads what {@linkcode writeRecording} wrote.
 *
 * @throws When a line is none of its.
 */
export function readRecording(text: string): Recording {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const numbers = lines.slice(0, NUMBERS.length).map((line) => line.split(" "));
  const number = (name: string) => Number(numbers.find(([one]) => one === name)?.[1]);
  const pages = new Map(RECORDED.map((program) => [program, new Map<string, Values>()]));
  for (const line of lines.slice(NUMBERS.length)) {
    const [, program, series = "", values = ""] = /^(\w+) (\w+(?:\{.*\})?) ([^"{}]*)$/.exec(line) ?? [];
    const page = pages.get(program as Recorded);
    if (page === undefined) throw new Error(`Cannot read a recording: "${line.slice(0, 80)}" is no line of it`);
    page.set(series, lengthened(values));
  }
  return {
    startedSeconds: number("startedSeconds"),
    stepSeconds: number("stepSeconds"),
    steps: number("steps"),
    broken: number("broken"),
    mended: number("mended"),
    pages,
  };
}

/** `1*5 - 3`: five times 1, once nothing, once 3. */
function shortened(values: Values): string {
  const runs: { readonly text: string; count: number }[] = [];
  for (const value of values) {
    const text = value === undefined ? "-" : String(value);
    const last = runs.at(-1);
    if (last?.text === text) last.count += 1;
    else runs.push({ text, count: 1 });
  }
  return runs.map(({ text, count }) => count === 1 ? text : `${text}*${count}`).join(" ");
}

function lengthened(text: string): Values {
  return text.split(" ").flatMap((run) => {
    const [value = "", count = "1"] = run.split("*");
    return Array.from({ length: Number(count) }, () => value === "-" ? undefined : Number(value));
  });
}
