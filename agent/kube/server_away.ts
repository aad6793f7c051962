import { isFailure } from "$lib/error.ts";

/** Whether the API server says nothing, or that it has no time (429, 503): then it need not be asked about others. */
export function isServerAway(error: unknown): boolean {
  return isFailure(error, "kubernetes_unavailable") &&
    [undefined, 429, 503].some((status) => error.details?.status === status);
}
