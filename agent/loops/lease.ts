import { z } from "zod";
import { type Clock, deadline, unlessAborted } from "$lib/clock.ts";
import { isRefused, type Kubernetes, type KubernetesObject } from "$lib/kubernetes.ts";
import type { Log } from "$lib/log.ts";
import { jittered } from "$lib/retry.ts";
import { LEASES } from "../kube/resources.ts";

/** What holding a Lease needs. */
export interface LeaseParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** A door at which nothing waits for its turn. */
  readonly kubernetes: Pick<Kubernetes, "get" | "create" | "patch">;
  readonly namespace: string;
  readonly name: string;
  /** Who holds it: another one for each process. */
  readonly holder: string;
  /** Hears when the Lease is had and when it is lost. */
  readonly onLeading: (isLeading: boolean) => void;
}

/** The time in which this process has the Lease. */
export interface Term {
  /** Aborts when the Lease is lost, or everything ends. */
  readonly signal: AbortSignal;
  /** Whether the Lease is had for sure at this moment, however late a timer is. */
  readonly isLeader: () => boolean;
}

/** Seconds after which others may take a Lease that was not renewed; a term ends early enough before that. */
const DURATION_SECONDS = 30;
/** Milliseconds after the last renewal at which the term is over, so that 10 s are left for the objects in hand. */
const TERM_MS = 20_000;
const RENEW_MS = 5_000;
const RETRY_MS = 2_000;
const REQUEST_MS = 5_000;

const LeaseSpec = z.object({
  holderIdentity: z.string().default(""),
  leaseDurationSeconds: z.number().default(DURATION_SECONDS),
  leaseTransitions: z.number().default(0),
});

/**
 * Runs `work` for as long as this process holds the Lease, again and again: who does not have it waits. Resolves when
 * `signal` has aborted and the work in hand has ended; the Lease is then given up, so that another may have it at once.
 */
export async function whileLeading(
  parts: LeaseParts,
  work: (term: Term) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const lease = new Lease(parts);
  while (!signal.aborted) {
    await lease.acquired(signal);
    if (signal.aborted) return;
    const ending = new AbortController();
    const term = AbortSignal.any([signal, ending.signal]);
    parts.onLeading(true);
    parts.log.info("this replica has the lease and works", { lease: parts.name, holder: parts.holder });
    const renewing = lease.renewed(term).then(() => ending.abort());
    await work({ signal: term, isLeader: () => lease.isLeader });
    ending.abort();
    await renewing;
    parts.onLeading(false);
    if (!signal.aborted) parts.log.warn("this replica has lost the lease and waits", { lease: parts.name });
  }
  await lease.release();
}

/** A Lease as one process sees it: what others wrote is compared by the local clock alone, never with theirs. */
class Lease {
  readonly #parts: LeaseParts;
  /** When the last renewal that succeeded was begun. */
  #renewedMs = -Infinity;
  #seen: { readonly version: string | undefined; readonly atMs: number } | undefined;

  constructor(parts: LeaseParts) {
    this.#parts = parts;
  }

  get isLeader(): boolean {
    return this.#leftMs > 0;
  }

  /** Milliseconds until the term is over, if it is not renewed. */
  get #leftMs(): number {
    return this.#renewedMs + TERM_MS - this.#parts.clock.monotonic();
  }

  /** Resolves when the Lease is had, or `signal` aborts. */
  async acquired(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !await this.#try(signal)) await this.#pause(RENEW_MS, signal);
  }

  /** Renews until the Lease is lost or `signal` aborts. */
  async renewed(signal: AbortSignal): Promise<void> {
    let isRenewed = true;
    while (!signal.aborted && this.isLeader) {
      await this.#pause(Math.min(isRenewed ? RENEW_MS : RETRY_MS, this.#leftMs), signal);
      if (signal.aborted || !this.isLeader) return;
      isRenewed = await this.#try(signal);
    }
  }

  /** Leaves the Lease to others, where it is still ours. Never rejects: in the worst case they wait. */
  async release(): Promise<void> {
    if (!this.isLeader) return;
    const { clock, log } = this.#parts;
    using limit = deadline(clock, REQUEST_MS);
    try {
      await unlessAborted(this.#giveUp(limit.signal), limit.signal);
    } catch (error) {
      log.warn("cannot give the lease up", { error });
    }
  }

  async #giveUp(signal: AbortSignal): Promise<void> {
    const { kubernetes, holder } = this.#parts;
    const found = await kubernetes.get(this.#place, signal);
    if (found === undefined || specOf(found).holderIdentity !== holder) return;
    await this.#patch(found, { holderIdentity: "" }, signal);
  }

  get #place() {
    const { namespace, name } = this.#parts;
    return { resource: LEASES, namespace, name };
  }

  /**
   * Takes or renews the Lease where nobody else has it; false where that can't be said. A write goes on when its signal
   * aborts, so it is not waited for: the term ends in time, whatever becomes of it.
   */
  async #try(outer: AbortSignal): Promise<boolean> {
    const { clock, log } = this.#parts;
    const startMs = clock.monotonic();
    using limit = deadline(clock, this.isLeader ? Math.min(REQUEST_MS, this.#leftMs) : REQUEST_MS, outer);
    try {
      const isOurs = await unlessAborted(this.#take(limit.signal), limit.signal);
      this.#renewedMs = isOurs ? startMs : -Infinity;
      return isOurs;
    } catch (error) {
      if (!outer.aborted) log.warn("cannot ask for the lease, will try again", { error });
      return false;
    }
  }

  async #take(signal: AbortSignal): Promise<boolean> {
    const { clock, holder, kubernetes } = this.#parts;
    const found = await kubernetes.get(this.#place, signal);
    const now = microTime(clock.now());
    const spec = { holderIdentity: holder, leaseDurationSeconds: DURATION_SECONDS, renewTime: now };
    if (found === undefined) return await this.#make({ ...spec, acquireTime: now, leaseTransitions: 0 }, signal);
    const { holderIdentity, leaseTransitions } = specOf(found);
    if (holderIdentity === holder) return await this.#patch(found, spec, signal);
    if (holderIdentity !== "" && !this.#isOver(found)) return false;
    return await this.#patch(found, { ...spec, acquireTime: now, leaseTransitions: leaseTransitions + 1 }, signal);
  }

  /** Whether its holder has not renewed it for its whole time, as far as this process has watched. */
  #isOver(found: KubernetesObject): boolean {
    const nowMs = this.#parts.clock.monotonic();
    const { resourceVersion: version } = found.metadata;
    if (this.#seen?.version !== version) this.#seen = { version, atMs: nowMs };
    return nowMs - (this.#seen?.atMs ?? nowMs) >= specOf(found).leaseDurationSeconds * 1_000;
  }

  async #make(spec: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<boolean> {
    const { kubernetes, namespace, name } = this.#parts;
    const { apiVersion, kind } = LEASES;
    return await unlessTaken(
      kubernetes.create(LEASES, { apiVersion, kind, metadata: { name, namespace }, spec }, { signal }),
    );
  }

  async #patch(
    found: KubernetesObject,
    spec: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { uid, resourceVersion } = found.metadata;
    const body = { metadata: { uid, resourceVersion }, spec };
    return await unlessTaken(this.#parts.kubernetes.patch(this.#place, body, { signal }));
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#parts;
    await clock.sleep(Math.min(ms, jittered(ms, random)), signal).catch(() => {});
  }
}

/** Whether a write went through that another one may have come before. */
async function unlessTaken(write: Promise<KubernetesObject | undefined>): Promise<boolean> {
  try {
    return await write !== undefined;
  } catch (error) {
    if (isRefused(error, 409)) return false;
    throw error;
  }
}

function specOf({ spec }: KubernetesObject & { readonly spec?: unknown }): z.infer<typeof LeaseSpec> {
  return LeaseSpec.safeParse(spec).data ?? LeaseSpec.parse({});
}

/** As a Lease wants its times: six digits after the second. */
function microTime(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000Z");
}
