/** What `deno test` reports beside its counts. */
export interface Report {
  /** Names of the tests that did not run: ignored, filtered out or not reached. */
  readonly skipped: readonly string[];
  /** How long the tests of each file took, together. */
  readonly seconds: ReadonlyMap<string, number>;
}

interface Case {
  readonly file: string;
  readonly name: string;
  readonly seconds: number;
  readonly isSkipped: boolean;
}

/**
 * Reads the JUnit report of `deno test`. How many tests there are it does not tell: steps stand in it as tests do,
 * under the file that defines them, and errors outside of tests are missing; see `countOf`.
 *
 * @param homes The files of tests that another file registers, by the tests' names.
 */
export function readJunit(xml: string, homes: ReadonlyMap<string, string> = new Map()): Report {
  const cases = withoutSteps(casesOf(xml)).map((one) => ({ ...one, file: homes.get(one.name) ?? one.file }));
  return {
    skipped: cases.filter(({ isSkipped }) => isSkipped).map(({ name }) => name),
    seconds: secondsByFile(cases),
  };
}

/** Such as `95.2 s ./tests/system/story_20_test.ts`: the files that took longest, the longest first. */
export function slowestFiles(seconds: Report["seconds"], most: number): readonly string[] {
  const longest = [...seconds].sort(([, one], [, other]) => other - one).slice(0, most);
  return longest.map(([file, took]) => `${took.toFixed(1).padStart(6)} s ${file}`);
}

function secondsByFile(cases: readonly Case[]): Report["seconds"] {
  const byFile = Map.groupBy(cases, ({ file }) => file);
  return new Map([...byFile].map(([file, of]) => [file, of.reduce((sum, { seconds }) => sum + seconds, 0)]));
}

/**
 * Whether `deno test` said in its own output that the test was ignored; in its report a filtered one looks the same.
 */
export function isIgnored(name: string, output: string): boolean {
  return plain(output).split("\n").some((line) => {
    const [said, rest] = [line.indexOf(" ... ignored ("), line.replace(/ \.\.\. ignored \(.*$/, "")];
    return said >= 0 && (rest === name || rest.endsWith(` => ${name}`));
  });
}

/**
 * The number in front of `word` in the last line of `deno test`'s own output: of tests, their steps not counted; 0 when
 * there is none.
 */
export function countOf(word: "passed" | "failed" | "ignored", output: string): number {
  const closing = plain(output).split("\n").findLast((line) => /^(ok|FAILED) \| /.test(line)) ?? "";
  return Number(new RegExp(`(\\d+) ${word}`).exec(closing)?.[1] ?? 0);
}

function plain(output: string): string {
  // deno-lint-ignore no-control-regex
  return output.replace(/\x1b\[[0-9;]*m/g, "");
}

function casesOf(xml: string): Case[] {
  const found = xml.matchAll(
    /<testcase name="([^"]*)" classname="([^"]*)" time="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g,
  );
  return [...found].map(([, name = "", file = "", time = "", body = ""]) => ({
    file,
    name: unescapeXml(name),
    seconds: Number(time) || 0,
    isSkipped: /^\s*<skipped\b/.test(body),
  }));
}

/** A step is reported as `<test> > <step>`, beside its test or under another file: its time is in its test's. */
function withoutSteps(cases: readonly Case[]): Case[] {
  const names = new Set(cases.map(({ name }) => name));
  const isStep = ({ name }: Case) => [...name.matchAll(/ > /g)].some(({ index }) => names.has(name.slice(0, index)));
  return cases.filter((one) => !isStep(one));
}

function unescapeXml(text: string): string {
  const named: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
    if (decimal) return String.fromCodePoint(Number(decimal));
    if (hex) return String.fromCodePoint(parseInt(hex, 16));
    return named[name] ?? whole;
  });
}
