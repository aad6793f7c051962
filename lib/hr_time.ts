import type { HrTime } from "@opentelemetry/api";

/**
 * Milliseconds since the Unix epoch, with fractions, as OpenTelemetry has times: seconds and nanoseconds. Never a bare
 * number, as the SDK takes one that is less than its process's age for a time since its start.
 */
export function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.min(Math.round((ms - seconds * 1_000) * 1e6), 999_999_999)];
}
