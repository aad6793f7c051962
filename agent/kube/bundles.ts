import { type Bundle, bundleSteps, faultText, type Manifest } from "$lib/bundle.ts";
import type { Clock } from "$lib/clock.ts";
import { sha256HexSync } from "$lib/ids.ts";
import { type Policies, readPolicies } from "$lib/policies.ts";
import { normalise } from "./normalise.ts";

/** A manifest made normal, with what is to be known of it. */
export interface PreparedManifest extends Manifest {
  /** SHA-256 of it alone, so that its neighbours' changes do not touch it. */
  readonly checksum: string;
  /** The checksum that Brokkr 0.10.0 gave it; undefined where it read something else. */
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

/** Bundles parsed before, kept by checksum while there is room: the longest unused goes first. */
export interface BundleCache {
  /** The bundle of this checksum; `load` is asked for its text only when it is not kept. */
  get(checksum: string, load: () => Promise<string>): Promise<PreparedBundle>;
}

/** 2 MiB of YAML take seconds: heartbeats and other stacks have their turn this often. */
const TURN_MS = 50;

/** A cache of bundles whose texts are `maxBytes` characters long together; one that is longer alone is kept alone. */
export function createBundleCache(maxBytes: number, clock: Clock): BundleCache {
  const kept = new Map<string, { readonly bundle: PreparedBundle; readonly size: number }>();
  let total = 0;

  function drop(checksum: string): void {
    total -= kept.get(checksum)?.size ?? 0;
    kept.delete(checksum);
  }

  function keep(checksum: string, entry: { readonly bundle: PreparedBundle; readonly size: number }): void {
    drop(checksum);
    kept.set(checksum, entry);
    total += entry.size;
    for (const oldest of kept.keys()) {
      if (total <= maxBytes || kept.size === 1) return;
      drop(oldest);
    }
  }

  return {
    async get(checksum, load) {
      const known = kept.get(checksum);
      if (known !== undefined) {
        keep(checksum, known);
        return known.bundle;
      }
      const text = await load();
      const bundle = prepared(await parse(text, clock));
      keep(checksum, { bundle, size: text.length });
      return bundle;
    },
  };
}

async function parse(text: string, clock: Clock): Promise<Bundle> {
  const steps = bundleSteps(text);
  let sinceMs = clock.monotonic();
  for (let step = steps.next();; step = steps.next()) {
    if (step.done === true) return step.value;
    if (clock.monotonic() - sinceMs < TURN_MS) continue;
    await clock.sleep(0);
    sinceMs = clock.monotonic();
  }
}

function prepared({ manifests, faults, furtherFaults }: Bundle): PreparedBundle {
  const further = furtherFaults === 0 ? [] : [`and ${furtherFaults} more`];
  return { manifests: manifests.map(preparedManifest), faults: [...faults.map(faultText), ...further] };
}

function preparedManifest(manifest: Manifest): PreparedManifest {
  const { object, warnings } = normalise(manifest.object);
  const { annotations } = manifest.object.metadata as {
    readonly annotations?: Readonly<Record<string, unknown>> | null;
  };
  return {
    ...manifest,
    object,
    warnings,
    checksum: sha256HexSync(JSON.stringify(object)),
    legacyChecksum: manifest.isSameInYaml12 ? sha256HexSync(JSON.stringify(manifest.object)) : undefined,
    policies: readPolicies(annotations ?? {}).policies,
  };
}
