import { Failure } from "$lib/error.ts";
import { boolean, setting, type SettingsOf, uuid } from "$lib/settings.ts";
import { signOfLife, stacksOf, takeOver as takeStacks } from "../kube/take_over.ts";
import { askBroker, clusterCommand, type ClusterCommandParts } from "./cluster_command.ts";

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
export const takeOver = clusterCommand({
  words: "take-over",
  help: "Give everything that a lost agent applied in this cluster to this one.",
  options: OPTIONS,
  act: take,
});

async function take(
  { broker, kubernetes, namespace, settings, clock, log }: ClusterCommandParts,
  { from, force }: SettingsOf<typeof OPTIONS>,
): Promise<string> {
  const { signal } = new AbortController();
  const { agentId: to, snapshot } = await askBroker(broker, signal);
  if (to === from) throw refused("it is this agent itself");
  const parts = {
    ...{ kubernetes, log, namespace, from, to },
    impersonatesGenerators: settings["agent.impersonate_generators"],
  };
  const stacks = await stacksOf(parts, signal);
  const why = force ? undefined : await signOfLife(parts, clock.now(), signal);
  if (why !== undefined) throw refused(`${why}; say --force if it is lost for good`);
  const wanted = new Set(snapshot.stacks.map(({ stack_id }) => stack_id));
  const unwanted = stacks.filter(({ id }) => !wanted.has(id)).map(({ name }) => `"${name}"`);
  if (!force && unwanted.length > 0) {
    throw refused(`it would remove ${unwanted.join(", ")}: target this agent with them first, or say --force`);
  }
  const taken = await takeStacks(parts, snapshot, signal);
  const where = taken.stacks === 0 ? `; namespace "${namespace}" has no stack of it` : "";
  return `taken over from agent ${from}: ${taken.stacks} stacks, ${taken.objects} objects${where}`;
}

function refused(why: string): Failure {
  return new Failure("kubernetes_rejected", `Cannot take over: ${why}`);
}
