import type { z } from "zod";
import { DeliveryDetails, StackCause } from "$lib/wire/delivery.ts";
import { StackSubmission } from "$lib/wire/stack.ts";
import { causeLines } from "./causes.ts";
import type { EXPLAIN } from "./commands.ts";
import { type ClientParts, EXIT, type RunClient } from "./declaration.ts";
import { findAgent, findStack, type Named } from "./names.ts";
import { textOf } from "./output.ts";
import { tableLines } from "./table.ts";
import { ageText, agoText, counted, painterFor, plain } from "./text.ts";
import { word } from "./columns.ts";

type Details = z.output<typeof DeliveryDetails>;
type DeliveredObject = Details["objects"][number];
type Submission = z.output<typeof StackSubmission>;

const OBJECTS_SHOWN = 10;

/** `explain`: why a stack, or one delivery of it, is not as it should be. */
export const explain: RunClient<typeof EXPLAIN> = async ({ options: { output }, arguments: names }, parts) => {
  const { api, terminal } = parts;
  const [stackName = "", agentName] = names;
  const stack = await findStack(api, stackName);
  const agent = agentName === undefined ? undefined : await findAgent(api, agentName);
  if (agent !== undefined) {
    const { raw, value } = await api.get(`deliveries/${agent.id}/${stack.id}`, DeliveryDetails);
    const text = output === "table" ? deliveryText(value, parts) : await textOf(raw, output);
    terminal.output.write(text);
    return EXIT.done;
  }
  const { raw, value: causes } = await api.get(`stacks/${stack.id}/causes`, StackCause.array());
  if (output !== "table") {
    terminal.output.write(await textOf(raw, output));
    return EXIT.done;
  }
  const { value: [newest] } = await api.get(`stacks/${stack.id}/history`, StackSubmission.array(), { limit: 1 });
  const lines = causeLines(causes, { paint: painterFor(terminal.output, parts.env), nowMs: api.nowMs() });
  terminal.output.write([...summaryLines(stack, newest, causes.length), ...lines, ""].join("\n"));
  return EXIT.done;
};

function summaryLines({ name }: Named, newest: Submission | undefined, causes: number): readonly string[] {
  const stack = `Stack "${plain(name)}"`;
  if (newest === undefined) return [`${stack}: nothing was submitted to it yet`];
  const { sequence_id, agents_desired: desired, agents_applied, agents_healthy, agents_failed } = newest;
  const fares = `applied by ${agents_applied}, healthy with ${agents_healthy}, failed with ${agents_failed}`;
  const submission = `${stack}, submission ${sequence_id}`;
  if (desired === 0 && causes === 0) return [`${submission}: no agent is to have it; give it targets or labels`];
  const all = `${submission}, for ${counted(desired, "agent")}: ${fares}`;
  return [causes === 0 ? `${all}; nothing is in its way` : all];
}

function deliveryText(delivery: Details, { api, terminal, env }: ClientParts): string {
  const { agent, stack, state, health, last_known: last, desired, applied, causes, objects, trace_id } = delivery;
  const paint = painterFor(terminal.output, env);
  const nowMs = api.nowMs();
  const troubled = objects.filter((object) => isTroubled(object, health));
  const said = last === null ? "" : ` (${last.health} ${ageText(last.age_seconds)} ago)`;
  const lines = [
    `Stack "${plain(stack.name)}" to agent "${plain(agent.name)}" of cluster "${plain(agent.cluster_name)}", ` +
    `${paint(agent.connectivity, word(agent.connectivity).colour)}`,
    `${paint(state, word(state).colour)}, ${paint(health, word(health).colour)}${said}: ` +
    `submission ${desired.sequence_id} is desired since ${agoText(delivery.desired_at, nowMs)}, ` +
    `${applied === null ? "none is applied" : `${applied.sequence_id} is applied`}`,
    ...(causes.length === 0 ? ["Nothing is in its way"] : causeLines(causes, { paint, nowMs })),
    ...objectLines(troubled, delivery, { paint, nowMs, width: terminal.output.size()?.columns }),
    ...(trace_id === null ? [] : [`Trace: ${trace_id}`]),
  ];
  return `${lines.join("\n")}\n`;
}

/** What has no health of its own, as a ConfigMap, is unknown where others tell how well the whole is: no trouble. */
function isTroubled({ health, error }: DeliveredObject, ofAll: Details["health"]): boolean {
  return error !== null || (health !== "healthy" && (health !== "unknown" || ofAll === "unknown"));
}

function objectLines(
  troubled: readonly DeliveredObject[],
  { objects, objects_omitted: omitted }: Details,
  options: Parameters<typeof tableLines>[2],
): readonly string[] {
  if (troubled.length === 0) return [];
  const shown = troubled.slice(0, OBJECTS_SHOWN);
  const more = troubled.length - shown.length;
  return [
    `Of ${counted(objects.length + omitted, "object")}:`,
    ...tableLines(shown, [
      { title: "OBJECT", cell: ({ kind, namespace, name }) => `${kind} ${namespace ? `${namespace}/` : ""}${name}` },
      { title: "HEALTH", cell: ({ health }) => word(health) },
      { title: "ACTION", cell: ({ action }) => action },
      { title: "WHY", cell: ({ reason, error }) => error ?? reason ?? "" },
    ], options),
    ...(more > 0 ? [`and ${more} more; -o json has all`] : []),
  ];
}
