/** A page's samples: from the series as it is written (name and labels) to its value. */
export type Samples = ReadonlyMap<string, number>;

/** Reads a page of text format 0.0.4 or OpenMetrics. */
export function readSamples(page: string): Samples {
  const lines = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => {
    const space = line.lastIndexOf(" ");
    return [line.slice(0, space), Number(line.slice(space + 1).replace("+Inf", "Infinity"))];
  }));
}

/** What of an agent only the replica that works has on its page. */
export const OF_WORKING_REPLICA =
  /^brokkr_agent_(poll_|last_successful_poll|managed_objects|prunes_blocked|broker_connected|reports_pending)/;

/** Scrapes the program at `url`. */
export async function scrape(url: string): Promise<Samples> {
  const answer = await fetch(`${url}/metrics`);
  const page = await answer.text();
  if (answer.status !== 200) throw new Error(`Cannot scrape ${url}: ${answer.status} ${page}`);
  return readSamples(page);
}

/** How much every series grew between two scrapes, those that did not left out. */
export function growth(before: Samples, after: Samples): ReadonlyMap<string, number> {
  const grown = [...after].map(([series, value]) => [series, value - (before.get(series) ?? 0)] as const);
  return new Map(grown.filter(([, by]) => by !== 0));
}

/** A family's samples summed by the values of these labels, joined by blanks. */
export function sumBy(page: Samples, name: string, labels: readonly string[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const [series, value] of page) {
    if (series !== name && !series.startsWith(`${name}{`)) continue;
    const key = labels.map((label) => new RegExp(`[{,]${label}="([^"]*)"`).exec(series)?.[1] ?? "").join(" ");
    sums.set(key, (sums.get(key) ?? 0) + value);
  }
  return sums;
}

/** All of a family's samples, summed. */
export function sumOf(page: Samples, name: string): number {
  return sumBy(page, name, []).get("") ?? 0;
}
