/** The two formats of the page: OpenMetrics 1.0.0, and Prometheus's text format 0.0.4. */
export type PageFormat = "openmetrics" | "text";

/** What the lines before a family's samples say. */
export interface FamilyHead {
  /** A counter's name ends in `_total`. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** As OpenTelemetry writes units (`s`); undefined where there is none. */
  readonly unit?: string;
}

const UNIT_WORDS: Readonly<Record<string, string>> = { s: "seconds", By: "bytes" };
const TOTAL = "_total";

/** The comment lines of a family. In OpenMetrics a counter's family is named without `_total`. */
export function headText({ name, type, help, unit }: FamilyHead, format: PageFormat): string {
  if (format === "text") return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
  const family = familyName(name, type);
  const word = unit === undefined ? "" : UNIT_WORDS[unit] ?? unit;
  const unitLine = word !== "" && family.endsWith(`_${word}`) ? `# UNIT ${family} ${word}\n` : "";
  return `# HELP ${family} ${escapeLabel(help)}\n# TYPE ${family} ${type}\n${unitLine}`;
}

/** The name that OpenMetrics gives the family of a metric. */
export function familyName(name: string, type: FamilyHead["type"]): string {
  return type === "counter" && name.endsWith(TOTAL) ? name.slice(0, -TOTAL.length) : name;
}

/** Everything of a sample's line but its value: name, escaped labels and a space. */
export function samplePrefix(name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escapeLabel(value)}"`);
  // Joined, not interpolated: V8 keeps what is interpolated in pieces, which every page would have to walk again.
  return (pairs.length === 0 ? [name, " "] : [name, "{", pairs.join(","), "} "]).join("");
}

/** A histogram's line beginnings, made once per series. */
export interface HistogramPrefixes {
  /** One for each bound, then that of `+Inf`. */
  readonly buckets: readonly string[];
  readonly sum: string;
  readonly count: string;
}

/** The line beginnings of one series of a histogram. */
export function histogramPrefixes(
  name: string,
  labels: Readonly<Record<string, string>>,
  bounds: readonly number[],
): HistogramPrefixes {
  return {
    buckets: [...bounds, Infinity].map((bound) => samplePrefix(`${name}_bucket`, { ...labels, le: boundText(bound) })),
    sum: samplePrefix(`${name}_sum`, labels),
    count: samplePrefix(`${name}_count`, labels),
  };
}

/** What a histogram has observed. */
export interface Observed {
  /** Observations in each bucket alone, the last being that above every bound. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** One series of a histogram; `suffixes` stand behind the samples of the buckets in their places. */
export function histogramText(
  { buckets, sum, count }: HistogramPrefixes,
  observed: Observed,
  suffixes: readonly (string | undefined)[] = [],
): string {
  let text = "";
  let cumulative = 0;
  for (let at = 0; at < buckets.length; at++) {
    cumulative += observed.counts[at] ?? 0;
    text += `${buckets[at]}${cumulative}${suffixes[at] ?? ""}\n`;
  }
  return `${text}${sum}${numberText(observed.sum)}\n${count}${cumulative}\n`;
}

/** How many lines of a page, or a part of one, are samples. */
export function sampleCount(text: string): number {
  return text.match(/(?:^|\n)[^#\n]/g)?.length ?? 0; // "^" alone would begin lines where Prometheus does not
}

/** A value as both formats write it. */
export function numberText(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}

/** A bound as OpenMetrics writes it (`1.0`), in both formats, so that a change of format makes no new series. */
export function boundText(bound: number): string {
  return Number.isInteger(bound) && Math.abs(bound) < 1e21 ? `${bound}.0` : numberText(bound);
}

/** A name of OpenTelemetry's, dots and all, as Prometheus takes it. */
export function cleanName(name: string): string {
  return name.replaceAll(/[^a-zA-Z0-9_]/g, "_").replaceAll(/_{2,}/g, "_").replace(/^(?=[0-9]|$)/, "_");
}

function escapeHelp(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
