import { type BundleFault, BundleReading } from "$lib/bundle.ts";

/** All that the broker asks of a bundle: small, whatever the bundle's size, so that it crosses threads for nothing. */
export interface BundleVerdict {
  /** Whether there is anything to apply; false where there are faults. */
  readonly hasManifests: boolean;
  /** The first faults, as `parseBundle` has them. */
  readonly faults: readonly BundleFault[];
  /** How many faults there are beside those. */
  readonly furtherFaults: number;
}

/**
 * Parses a bundle of any size without holding up other work; of one caller one large bundle after the other.
 *
 * @throws {Failure} `unavailable` or `too_many_requests` when it can't be done now.
 */
export type ParseBundle = (text: string, callerId: string) => Promise<BundleVerdict>;

/** Parses a bundle here and now: this may take a second, and much memory, for a large or hostile text. */
export function judgeBundle(text: string): BundleVerdict {
  const reading = new BundleReading(text);
  let hasManifests = false;
  for (const manifests of reading) hasManifests ||= manifests.length > 0;
  const { faults, furtherFaults } = reading;
  return { hasManifests: hasManifests && faults.length === 0, faults, furtherFaults };
}
