/** Which of the programs has a page. */
export type ProgramName = "broker" | "agent";
/** Whose page is read: a program, or one more that runs beside the first, with a number from 2 on. */
export type Target = ProgramName | `${ProgramName}-${number}`;

const TARGET = /^(broker|agent)(-\d+)?$/;

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
  /**
   * By target; a series as the page writes it, and `up` besides: 1 while there was a page, 0 while it was not answered.
   */
  readonly pages: ReadonlyMap<Target, ReadonlyMap<string, Values>>;
}

const NUMBERS = ["startedSeconds", "stepSeconds", "steps", "broken", "mended"] as const;

/** The program that a target is. */
export function programOf(target: Target): ProgramName {
  return target.startsWith("broker") ? "broker" : "agent";
}

/** A recording as the text of a fixture; equal values in a row are written once. */
export function writeRecording(recording: Recording, heading: string): string {
  const lines = [...recording.pages].flatMap(([target, page]) =>
    [...page].map(([series, values]) => `${target} ${series} ${shortened(values)}`)
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
  const pages = new Map<Target, Map<string, Values>>();
  for (const line of lines.slice(NUMBERS.length)) {
    const [, target = "", series = "", values = ""] = /^([\w-]+) (\w+(?:\{.*\})?) ([^"{}]*)$/.exec(line) ?? [];
    if (!isTarget(target)) throw new Error(`Cannot read a recording: "${line.slice(0, 80)}" is no line of it`);
    pages.set(target, (pages.get(target) ?? new Map<string, Values>()).set(series, lengthened(values)));
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

function isTarget(text: string): text is Target {
  return TARGET.test(text);
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
