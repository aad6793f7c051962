import type { Command, CommandParts } from "$lib/program/command.ts";
import { Failure } from "$lib/error.ts";
import { random } from "$lib/ids.ts";
import type { Kubernetes } from "$lib/kubernetes.ts";
import { bound, disabledRegistry } from "$lib/metrics.ts";
import type { Setting, SettingsOf } from "$lib/settings.ts";
import type { Snapshot } from "$lib/wire/snapshot.ts";
import type { BrokerClient } from "../broker_client.ts";
import { inventoryNamespace, openBroker, openCluster } from "../doors.ts";
import { AGENT_METRICS } from "../metrics.ts";
import type { AGENT_SETTINGS, AgentSettings } from "../settings.ts";

/** What a command has that asks the broker, and works on the cluster. */
export interface ClusterCommandParts extends CommandParts {
  readonly settings: AgentSettings;
  readonly broker: BrokerClient;
  readonly kubernetes: Kubernetes;
  /** Where the record of what was applied lives. */
  readonly namespace: string;
}

interface ClusterCommand<O extends readonly Setting[]> {
  readonly words: string;
  readonly help: string;
  readonly options: O;
  /** @returns What was done, as a note. */
  act(parts: ClusterCommandParts, options: SettingsOf<O>): Promise<string>;
}

/** Makes a command that has the agent's doors, and closes them. */
export function clusterCommand<const O extends readonly Setting[]>(
  { words, help, options, act }: ClusterCommand<O>,
): Command<typeof AGENT_SETTINGS, O> {
  return {
    ...{ words, help, options },
    async run({ settings, options }, parts) {
      using doors = new DisposableStack();
      const made = { ...parts, settings, random };
      const metrics = disabledRegistry().register(AGENT_METRICS);
      const kubernetes = doors.adopt(await openCluster(made, metrics), (opened) => opened.close());
      const connected = bound(metrics.brokerConnected);
      const broker = doors.adopt(openBroker(made, { connected }), (opened) => opened.close());
      const namespace = inventoryNamespace(settings, kubernetes);
      return { notes: [await act({ ...parts, settings, broker, kubernetes, namespace }, options)] };
    },
  };
}

/**
 * Who the broker says this agent is, and what it is to have.
 *
 * @throws {Failure} as {@linkcode BrokerClient} says.
 */
export async function askBroker(
  broker: BrokerClient,
  signal: AbortSignal,
): Promise<{ readonly agentId: string; readonly snapshot: Snapshot }> {
  const { id: agentId } = await broker.identify(signal);
  const polled = await broker.poll(agentId, undefined, signal);
  if (polled === undefined) throw new Failure("broker_unavailable", "Cannot go on: the broker gives no snapshot");
  return { agentId, snapshot: polled.snapshot };
}
