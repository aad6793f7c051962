import type { KubernetesMetrics } from "$lib/kubernetes.ts";

/** Metrics that count requests as `<operation> <result>`. */
export interface CountingMetrics {
  readonly metrics: KubernetesMetrics;
  /** The counts since the last call. */
  counts(): Readonly<Record<string, number>>;
}

/** Metrics for the door of a test. */
export function countingMetrics(): CountingMetrics {
  let counted: Record<string, number> = {};
  return {
    metrics: {
      operations: {
        add(value, attributes) {
          const name = `${attributes?.operation} ${attributes?.result}`;
          counted[name] = (counted[name] ?? 0) + value;
        },
      },
      duration: { record() {} },
    },
    counts() {
      const counts = counted;
      counted = {};
      return counts;
    },
  };
}
