import { unlessAborted } from "$lib/clock.ts";
import type { Kubernetes } from "$lib/kubernetes.ts";

/** A door whose writes wait for `ready`, and fail as that does; reads and dry runs go at once. */
export function withWritesAfter(kubernetes: Kubernetes, ready: () => Promise<void>): Kubernetes {
  async function after<T>(options: Sent | undefined, send: () => Promise<T>): Promise<T> {
    const { dryRun = false, signal } = options ?? {};
    if (!dryRun) await (signal === undefined ? ready() : unlessAborted(ready(), signal));
    return await send();
  }
  return {
    ...kubernetes,
    create: (resource, object, options) => after(options, () => kubernetes.create(resource, object, options)),
    apply: (place, object, options) => after(options, () => kubernetes.apply(place, object, options)),
    patch: (place, body, options) => after(options, () => kubernetes.patch(place, body, options)),
    delete: (place, preconditions, signal) =>
      after({ ...signal && { signal } }, () => kubernetes.delete(place, preconditions, signal)),
    forStack: (stackId, options) => withWritesAfter(kubernetes.forStack(stackId, options), ready),
  };
}

interface Sent {
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}
