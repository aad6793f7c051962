/** The three labels of the benches. */
export type Labels = Readonly<Record<"method" | "endpoint" | "status", string>>;

/** Eleven bounds. */
export const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** Lines of a page for one label set: the counter's, a bucket for each bound and `+Inf`, sum and count. */
export const LINES_PER_SET = 1 + BUCKETS.length + 1 + 2;

const METHODS = ["GET", "POST", "PUT", "DELETE"];
const VALUES = 1024;

/** As many label sets as are asked for, each another one. */
export function labelSets(count: number): Labels[] {
  return Array.from({ length: count }, (_, at) => ({
    method: METHODS[at % METHODS.length] ?? "",
    endpoint: `/api/v1/resources/${at}/:id`,
    status: String(200 + at % 5),
  }));
}

/** Values to record, over all buckets and in no order, the same ones each time. */
export function values(): number[] {
  const lowest = Math.log(0.0005);
  const highest = Math.log(5);
  return Array.from({ length: VALUES }, (_, at) => Math.exp(lowest + (highest - lowest) * ((at * 0.618034) % 1)));
}

/** The value of an observation after many; a power of two, so that finding it costs next to nothing. */
export const VALUES_MASK = VALUES - 1;
