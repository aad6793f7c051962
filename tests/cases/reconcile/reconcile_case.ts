import type { ReconcileWorld } from "./world.ts";

/** Something that must hold when an agent works on a cluster, on every kind of cluster. */
export interface ReconcileCase {
  readonly name: string;
  /** On clusters where it cannot hold, the reason. */
  readonly skipOn?: { readonly simulated?: string; readonly real?: string };
  run(world: ReconcileWorld): Promise<void>;
}
