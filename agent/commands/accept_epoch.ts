import { deadline } from "$lib/clock.ts";
import type { Command } from "$lib/command.ts";
import { Failure } from "$lib/error.ts";
import { random } from "$lib/ids.ts";
import type { Kubernetes } from "$lib/kubernetes.ts";
import { bound, disabledRegistry } from "$lib/metrics.ts";
import { type DoorParts, inventoryNamespace, openBroker, openCluster } from "../doors.ts";
import { createInventory } from "../kube/records/inventory.ts";
import { createRecords } from "../kube/records/records.ts";
import { AGENT_METRICS, type AgentMetrics } from "../metrics.ts";
import type { AGENT_SETTINGS } from "../settings.ts";

const TIMEOUT_MS = 30_000;

/** `accept-epoch`: a person's word that the broker's database, another or an older one than known, is to be believed. */
export const acceptEpoch: Command<typeof AGENT_SETTINGS> = {
  words: "accept-epoch",
  help: "Let an agent on hold prune again: believe the database that the broker has now.",
  options: [],
  async run({ settings }, parts) {
    const doors = { ...parts, settings, random };
    const metrics = disabledRegistry().register(AGENT_METRICS);
    const kubernetes = await openCluster(doors, metrics);
    try {
      return { notes: [await accept(doors, { kubernetes, metrics })] };
    } finally {
      kubernetes.close();
    }
  },
};

interface Cluster {
  readonly kubernetes: Kubernetes;
  readonly metrics: AgentMetrics;
}

/** Notes the broker's present epoch on the agent's root, where the agent finds it with its next look. */
async function accept(doors: DoorParts, { kubernetes, metrics }: Cluster): Promise<string> {
  using limit = deadline(doors.clock, TIMEOUT_MS);
  const broker = openBroker(doors, { connected: bound(metrics.brokerConnected) });
  const { id: agentId } = await broker.identify(limit.signal);
  const polled = await broker.poll(agentId, undefined, limit.signal);
  if (polled === undefined) throw new Failure("broker_unavailable", "Cannot accept the epoch: there is no snapshot");
  const { epoch } = polled.snapshot;
  const namespace = inventoryNamespace(doors.settings, kubernetes);
  const parts = { kubernetes, log: doors.log, agentId, namespace };
  const inventory = createInventory({ ...parts, records: createRecords(parts) });
  const root = await inventory.readRoot(limit.signal);
  if (root.hold === undefined) return "the agent is not on hold";
  await inventory.writeRoot({ ...root, acceptEpoch: epoch }, limit.signal);
  return `epoch ${epoch} is accepted`;
}
