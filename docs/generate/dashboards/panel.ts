/** One line, or one set of lines, of a panel. */
export interface Query {
  readonly promql: string;
  /** What a line is called: `{{label}}` stands for its value. */
  readonly legend: string;
  /** The alert that looks at the same: from its threshold on the panel is coloured, by its severity. */
  readonly alert?: string;
  /** Whether it has no line where nothing happens; then another one of the panel has. */
  readonly mayBeEmpty?: true;
}

/** How Grafana writes a number: seconds, per second, bytes, a share of 1, or as it is. */
export type Unit = "s" | "reqps" | "ops" | "bytes" | "percentunit" | "none";

/** A panel, described by what it shows. */
export interface Panel {
  readonly title: string;
  /** What the reader should know to read it. */
  readonly description: string;
  /** `number` shows the last value, large; `lines` its course. */
  readonly shows: "number" | "lines";
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** Of a number without an alert: 0 where 0 is wrong, 1 where everything else is. */
  readonly wrongAt?: 0 | 1;
  /** Whether lines are parts of a whole. */
  readonly isStacked?: boolean;
}

/** A part of a dashboard, under a title of its own. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
  /** Whether it is closed until it is looked for. */
  readonly isCollapsed?: boolean;
}

/** A variable of a dashboard: the values of a label among the programs that are scraped. */
export interface Variable {
  readonly name: string;
  readonly label: string;
  readonly component: "broker" | "agent";
  /** The label whose values it has. */
  readonly of: "cluster" | "namespace" | "job" | "instance";
  /** Variables whose choice narrows this one. */
  readonly within?: readonly Variable[];
}

/** A dashboard, described by what it shows. */
export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly Row[];
}

/** Matchers that hold a query to what the reader chose: `namespace=~"$namespace"`. */
export function chosen(variables: readonly Variable[]): string {
  return variables.map(({ name, of }) => `${of}=~"$${name}"`).join(", ");
}
