/** A value of an attribute, or a log's body: of JSON's kinds, whole numbers as numbers. */
export type Value = string | number | boolean | undefined | readonly Value[] | { readonly [key: string]: Value };
/** Attributes by key. */
export type Attributes = Readonly<Record<string, Value>>;

interface Received {
  /** Of the resource: which process it is. */
  readonly resource: Attributes;
  /** The name of the scope: who in that process. */
  readonly scope: string;
  /** Which request brought it, from 0 on. */
  readonly request: number;
}

/** One point of one series, with all that came with it. */
export interface ReceivedPoint extends Received {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly kind: "sum" | "gauge" | "histogram" | "exponentialHistogram" | "summary";
  /** Absent for gauges and summaries. */
  readonly temporality?: "delta" | "cumulative";
  /** Of sums. */
  readonly isMonotonic?: boolean;
  readonly attributes: Attributes;
  /** Nanoseconds since 1970, 0 where it did not come. */
  readonly startNanos: bigint;
  readonly timeNanos: bigint;
  readonly value: number | ReceivedHistogram;
}

/** A histogram's value. */
export interface ReceivedHistogram {
  readonly count: number;
  readonly sum: number;
  readonly bounds: readonly number[];
  /** One more than there are bounds; not added up. */
  readonly counts: readonly number[];
}

/** One span. Ids are lower-case hexadecimal, an absent parent is empty. */
export interface ReceivedSpan extends Received {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly kind: "unspecified" | "internal" | "server" | "client" | "producer" | "consumer";
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  readonly attributes: Attributes;
  readonly links: readonly { readonly traceId: string; readonly spanId: string; readonly attributes: Attributes }[];
  readonly events: readonly { readonly name: string; readonly timeNanos: bigint; readonly attributes: Attributes }[];
  readonly status: "unset" | "ok" | "error";
  readonly statusMessage: string;
}

/** One line of a log. Ids are empty where it was written outside every span. */
export interface ReceivedLog extends Received {
  readonly timeNanos: bigint;
  readonly severity: number;
  readonly severityText: string;
  readonly body: Value;
  readonly attributes: Attributes;
  readonly traceId: string;
  readonly spanId: string;
}
