import { type Bundle, faultText, type Manifest } from "$lib/bundle.ts";
import { sha256HexSync } from "$lib/ids.ts";
import { type Policies, readPolicies } from "$lib/policies.ts";
import { normalise } from "./normalise.ts";

/** A manifest made normal, with what is to be known of it. */
export interface PreparedManifest extends Manifest {
  /** SHA-256 of it alone, so that its neighbours' changes do not touch it. */
  readonly checksum: string;
  /**
   * The checksum that Brokkr 0.10.0 gave it, if it read the same of it; of something else it gave another. Undefined
   * where the same is applied in another way now: a Secret's `stringData`.
   */
  readonly legacyChecksum: string | undefined;
  readonly policies: Policies;
  /** What was left out of it that somebody may have meant. */
  readonly warnings: readonly string[];
}

/** A parsed bundle: its manifests, or everything that is wrong with it, one line each. */
export interface PreparedBundle {
  readonly manifests: readonly PreparedManifest[];
  readonly faults: readonly string[];
}

/** The faults of a parsed bundle, one line each. */
export function faultLines({ faults, furtherFaults }: Omit<Bundle, "manifests">): readonly string[] {
  return [...faults.map(faultText), ...furtherFaults === 0 ? [] : [`and ${furtherFaults} more`]];
}

/** Makes a manifest of a parsed bundle normal. */
export function preparedManifest(manifest: Manifest): PreparedManifest {
  const { object, warnings } = normalise(manifest.object);
  const { annotations } = manifest.object.metadata as {
    readonly annotations?: Readonly<Record<string, unknown>> | null;
  };
  const text = JSON.stringify(object);
  const written = JSON.stringify(manifest.object);
  const checksum = sha256HexSync(text);
  const writtenChecksum = written === text ? checksum : sha256HexSync(written);
  return {
    ...manifest,
    object,
    warnings: warnings.map((warning) => `${manifest.kind} "${manifest.name}": ${warning}`),
    checksum,
    legacyChecksum: "stringData" in manifest.object ? undefined : writtenChecksum,
    policies: readPolicies(annotations ?? {}).policies,
  };
}
