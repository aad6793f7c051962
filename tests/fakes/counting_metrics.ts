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
        bind: ({ operation, result }) => ({
          add(amount = 1) {
            const name = `${operation} ${result}`;
            counted[name] = (counted[name] ?? 0) + amount;
          },
        }),
      },
      duration: { bind: () => ({ record() {} }) },
    },
    counts() {
      const counts = counted;
      counted = {};
      return counts;
    },
  };
}
