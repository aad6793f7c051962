import { deadline } from "$lib/clock.ts";
import { createInventory } from "../kube/records/inventory.ts";
import { createRecords } from "../kube/records/records.ts";
import { askBroker, clusterCommand, type ClusterCommandParts } from "./cluster_command.ts";

const TIMEOUT_MS = 30_000;

/**
 * `accept-epoch`: a person's word that the broker's database, another or an older one than known, is to be believed.
 */
export const acceptEpoch = clusterCommand({
  words: "accept-epoch",
  help: "Let an agent on hold prune again: believe the database that the broker has now.",
  options: [],
  act: accept,
});

/** Notes the broker's present epoch on the agent's root, where the agent finds it with its next look. */
async function accept({ broker, kubernetes, namespace, clock, log }: ClusterCommandParts): Promise<string> {
  using limit = deadline(clock, TIMEOUT_MS);
  const { agentId, snapshot: { epoch } } = await askBroker(broker, limit.signal);
  const parts = { kubernetes, log, agentId, namespace };
  const inventory = createInventory({ ...parts, records: createRecords(parts) });
  const root = await inventory.readRoot(limit.signal);
  if (root.hold === undefined) return "the agent is not on hold";
  await inventory.writeRoot({ ...root, acceptEpoch: epoch }, limit.signal);
  return `epoch ${epoch} is accepted`;
}
