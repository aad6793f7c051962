import { type Declaration, REGISTRY_METRICS } from "$lib/metrics.ts";
import { PROCESS_METRICS } from "$lib/process_metrics.ts";
import { TELEMETRY_METRICS } from "$lib/telemetry/outcomes.ts";
import { AGENT_METRICS } from "../../agent/metrics.ts";
import { BROKER_METRICS } from "../../broker/metrics.ts";

/** Every metric that a page of either program may hold, by whose it is: what documents and checks are made from. */
export const CATALOGUE: Readonly<Record<"broker" | "agent" | "both" | "telemetry", readonly Declaration[]>> = {
  broker: Object.values(BROKER_METRICS).flatMap((part): Declaration[] => Object.values(part)),
  agent: Object.values(AGENT_METRICS),
  both: [...Object.values(PROCESS_METRICS), ...Object.values(REGISTRY_METRICS)],
  /** On both programs' pages while telemetry is sent. */
  telemetry: Object.values(TELEMETRY_METRICS),
};

/** All of {@linkcode CATALOGUE} in one list. */
export function allDeclarations(): readonly Declaration[] {
  return Object.values(CATALOGUE).flat();
}
