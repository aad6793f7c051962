import type { Declaration } from "$lib/metrics.ts";
import { CATALOGUE } from "../../docs/generate/catalogue.ts";
import type { ProgramName } from "../compile/task.ts";

/** A series that is declared: a histogram's is its count. Labels whose values are open are left out. */
export interface DeclaredSeries {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Every series that a page of the program is declared to have: each metric with each value of its closed labels. */
export function declaredSeries(program: ProgramName): readonly DeclaredSeries[] {
  const all = [...CATALOGUE[program], ...CATALOGUE.both].flatMap(seriesOf);
  return all.filter(({ labels: { component } }) => component === undefined || component === program);
}

/** Whether a series as a page writes it is the declared one. */
export function isOf(series: string, { name, labels }: DeclaredSeries): boolean {
  const isNamed = series === name || series.startsWith(`${name}{`);
  return isNamed && Object.entries(labels).every(([label, value]) => series.includes(`${label}="${value}"`));
}

/** As a page writes it. */
export function seriesText({ name, labels }: DeclaredSeries): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
}

function seriesOf({ name, type, labels }: Declaration): readonly DeclaredSeries[] {
  const closed = Object.entries(labels).filter(([, values]) => values !== "text");
  const sets = closed.reduce<Record<string, string>[]>(
    (sets, [label, values]) => sets.flatMap((set) => [...values].map((value) => ({ ...set, [label]: value }))),
    [{}],
  );
  return sets.map((set) => ({ name: type === "histogram" ? `${name}_count` : name, labels: set }));
}
