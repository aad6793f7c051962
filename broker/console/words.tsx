import type { Child } from "hono/jsx";

const UNITS: readonly (readonly [seconds: number, sign: string, word: string])[] = [
  [86_400, "d", "day"],
  [3_600, "h", "hour"],
  [60, "m", "minute"],
  [1, "s", "second"],
];

/** How long, in the largest whole unit: `5m`. */
export function shortAge(seconds: number): string {
  const [size, sign] = unitOf(seconds);
  return `${Math.floor(Math.max(0, seconds) / size)}${sign}`;
}

/** The same in words: `5 minutes`. */
export function longAge(seconds: number): string {
  const [size, , word] = unitOf(seconds);
  const count = Math.floor(Math.max(0, seconds) / size);
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

function unitOf(seconds: number) {
  return UNITS.find(([size]) => seconds >= size) ?? [1, "s", "second"] as const;
}

/** Seconds from one time to another, not less than 0. */
export function secondsBetween(since: Date, now: Date): number {
  return Math.max(0, (now.getTime() - since.getTime()) / 1_000);
}

/** What a team named, which may go from right to left, or hold what turns the text around it. */
export function named(text: string) {
  return <bdi>{text}</bdi>;
}

/** A time with its age; nothing where there is none. */
export function timeAgo(time: Date | undefined, now: Date) {
  if (time === undefined) return "–";
  const iso = time.toISOString();
  return <time datetime={iso} title={iso}>{longAge(secondsBetween(time, now))} ago</time>;
}

/** A list of terms and what is said of them; what is undefined is left out. */
export function facts(rows: readonly (readonly [term: string, said: Child | undefined])[]) {
  const said = rows.filter((row) => row[1] !== undefined);
  return (
    <dl class="facts">
      {said.map(([term, text]) => (
        <div>
          <dt>{term}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A word that stands out by its colour, too. */
export function badge(word: string, tone: Tone) {
  return <span class={`badge ${tone}`}>{word}</span>;
}

/** How something looks: there is a colour of each, and never the colour alone. */
export type Tone = "good" | "busy" | "bad" | "held" | "unknown";
