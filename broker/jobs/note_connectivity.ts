import type { InstrumentsOf } from "$lib/metrics.ts";
import { type ConnectivityLimits, type KnownConnectivity, TRANSITIONS } from "../domain/agent.ts";
import type { COUNTED_METRICS } from "../metrics.ts";
import type { Store } from "../store/mod.ts";
import type { Job } from "./runner.ts";

/** What noting needs. */
export interface NoteConnectivityParts {
  readonly intervalMs: number;
  readonly limits: ConnectivityLimits;
  readonly counted: InstrumentsOf<typeof COUNTED_METRICS>["transitions"];
}

/** Notes how connected agents are, and counts what changed since somebody last did; one replica at a time. */
export function noteConnectivity(
  store: Pick<Store, "exclusively">,
  { intervalMs, limits, counted }: NoteConnectivityParts,
): Job {
  return {
    name: "note_connectivity",
    intervalMs,
    async runOnce() {
      let changed: Readonly<Partial<Record<KnownConnectivity, number>>> = {};
      const isOurs = await store.exclusively("note_connectivity", async ({ connectivity }) => {
        changed = await connectivity.note(limits);
      });
      if (!isOurs) return "skipped";
      for (const to of TRANSITIONS) counted.add(changed[to] ?? 0, { to });
      return "success";
    },
  };
}
