import type { Kubernetes } from "$lib/kubernetes.ts";
import { createLimiter } from "./limiter.ts";

/**
 * The same door with at most `limit` reads in flight: when every stack is compared with the cluster at once, whoever asks
 * by the door itself, as heartbeats and plans do, need not wait behind all of them.
 */
export function withBoundedReads(kubernetes: Kubernetes, limit: number): Kubernetes {
  const reading = createLimiter(limit);
  return {
    ...kubernetes,
    get: (place, signal) => reading.run(() => kubernetes.get(place, signal), signal),
    listMetadata: (resource, options) => reading.run(() => kubernetes.listMetadata(resource, options), options.signal),
    discover: (apiVersion, signal) => reading.run(() => kubernetes.discover(apiVersion, signal), signal),
    discoverGroups: (signal) => reading.run(() => kubernetes.discoverGroups(signal), signal),
  };
}
