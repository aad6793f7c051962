import type { Command } from "$lib/command.ts";
import { Failure } from "$lib/error.ts";
import { random } from "$lib/ids.ts";
import type { Kubernetes } from "$lib/kubernetes.ts";
import { bound, disabledRegistry } from "$lib/metrics.ts";
import { boolean, setting, uuid } from "$lib/settings.ts";
import { type DoorParts, inventoryNamespace, openBroker, openCluster } from "../doors.ts";
import { signOfLife, stacksOf, takeOver as takeStacks } from "../kube/take_over.ts";
import { AGENT_METRICS, type AgentMetrics } from "../metrics.ts";
import type { AGENT_SETTINGS } from "../settings.ts";

const OPTIONS = [
  setting({ key: "from", type: uuid(), required: true, help: "The id of the agent that is lost." }),
  setting({
    key: "force",
    type: boolean(),
    default: false,
    help: "Also when that agent may be alive, or has stacks that this one is not targeted with, which it then removes.",
  }),
] as const;

/** `take-over`: a lost identity's stacks become this agent's, each object with its uid. */
export const takeOver: Command<typeof AGENT_SETTINGS, typeof OPTIONS> = {
  words: "take-over",
  help: "Give everything that a lost agent applied in this cluster to this one.",
  options: OPTIONS,
  async run({ settings, options }, parts) {
    const doors = { ...parts, settings, random };
    const metrics = disabledRegistry().register(AGENT_METRICS);
    const kubernetes = await openCluster(doors, metrics);
    try {
      return { notes: [await take(doors, { kubernetes, metrics }, options)] };
    } finally {
      kubernetes.close();
    }
  },
};

interface Cluster {
  readonly kubernetes: Kubernetes;
  readonly metrics: AgentMetrics;
}

interface Wish {
  readonly from: string;
  readonly force: boolean;
}

async function take(doors: DoorParts, { kubernetes, metrics }: Cluster, { from, force }: Wish): Promise<string> {
  const { signal } = new AbortController();
  const broker = openBroker(doors, { connected: bound(metrics.brokerConnected) });
  const { id: to } = await broker.identify(signal);
  if (to === from) throw refused("it is this agent itself");
  const polled = await broker.poll(to, undefined, signal);
  if (polled === undefined) throw new Failure("broker_unavailable", "Cannot take over: there is no snapshot");
  const parts = {
    ...{ kubernetes, log: doors.log, from, to },
    namespace: inventoryNamespace(doors.settings, kubernetes),
    impersonatesGenerators: doors.settings["agent.impersonate_generators"],
  };
  const stacks = await stacksOf(parts, signal);
  const why = force ? undefined : await signOfLife(parts, doors.clock.now(), signal);
  if (why !== undefined) throw refused(`${why}; say --force if it is lost for good`);
  const wanted = new Set(polled.snapshot.stacks.map(({ stack_id }) => stack_id));
  const unwanted = stacks.filter(({ id }) => !wanted.has(id)).map(({ name }) => `"${name}"`);
  if (!force && unwanted.length > 0) {
    throw refused(`it would remove ${unwanted.join(", ")}: target this agent with them first, or say --force`);
  }
  const taken = await takeStacks(parts, polled.snapshot, signal);
  return `taken over from agent ${from}: ${taken.stacks} stacks, ${taken.objects} objects`;
}

function refused(why: string): Failure {
  return new Failure("kubernetes_rejected", `Cannot take over: ${why}`);
}
