import { type BundleFault, parseBundle } from "$lib/bundle.ts";

/** All that the broker asks of a bundle: small, whatever the bundle's size, so that it crosses threads for nothing. */
export interface BundleVerdict {
  /** Whether there is anything to apply; false where there are faults. */
  readonly hasManifests: boolean;
  /** The first faults, 100 at most: one text may have a million. */
  readonly faults: readonly BundleFault[];
  /** How many faults there are beside those. */
  readonly furtherFaults: number;
}

/**
 * Parses a bundle of any size without holding up other work.
 *
 * @throws {Failure} `invalid_deployment_object` when it takes too long, `unavailable` when it can't be done now.
 */
export type ParseBundle = (text: string) => Promise<BundleVerdict>;

const FAULTS_MAX = 100;

/** Parses a bundle here and now: this may take seconds and much memory for a large or hostile text. */
export function judgeBundle(text: string): BundleVerdict {
  const { manifests, faults } = parseBundle(text);
  return {
    hasManifests: manifests.length > 0,
    faults: faults.slice(0, FAULTS_MAX),
    furtherFaults: Math.max(0, faults.length - FAULTS_MAX),
  };
}
