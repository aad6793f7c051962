import type { z } from "zod";
import type { Agent } from "$lib/wire/agent.ts";
import type { Delivery } from "$lib/wire/delivery.ts";
import type { Generator } from "$lib/wire/generator.ts";
import type { Stack, StackSubmission } from "$lib/wire/stack.ts";
import type { Cell, Column } from "./table.ts";
import { ageText, agoText, type Colour, sizeText } from "./text.ts";

type AgentBody = z.output<typeof Agent>;
type DeliveryBody = z.output<typeof Delivery>;
type GeneratorBody = z.output<typeof Generator>;
type StackBody = z.output<typeof Stack>;
type SubmissionBody = z.output<typeof StackSubmission>;

/** What each word of a state, a health or a connectivity means to who looks for trouble. */
const COLOURS: Readonly<Record<string, Colour>> = {
  connected: "good",
  late: "doubtful",
  lost: "bad",
  never: "dim",
  INACTIVE: "doubtful",
  applied: "good",
  pending: "doubtful",
  applying: "doubtful",
  terminating: "doubtful",
  removed: "dim",
  failed: "bad",
  blocked: "bad",
  healthy: "good",
  progressing: "doubtful",
  degraded: "bad",
  unknown: "dim",
};
const NOTHING = "-";

/** A word in its colour. */
export function word(text: string): Cell {
  return { text, colour: COLOURS[text] };
}

/** Agents, what matters most first. */
export const AGENT_COLUMNS: readonly Column<AgentBody>[] = [
  { title: "NAME", cell: ({ name }) => name },
  { title: "CONNECTIVITY", cell: ({ connectivity }) => word(connectivity ?? "unknown") },
  {
    title: "SEEN",
    cell: ({ heartbeat_age_seconds: age }) => typeof age === "number" ? ageText(age) : NOTHING,
    isAge: true,
  },
  { title: "CLUSTER", cell: ({ cluster_name }) => cluster_name },
  { title: "STATUS", cell: ({ status }) => word(status) },
  { title: "STACKS", cell: (agent) => String(stacksOf(agent)) },
  { title: "HEALTHY", cell: ({ deliveries }) => count(deliveries?.by_health.healthy, "good") },
  { title: "FAILED", cell: ({ deliveries }) => count(failedOf(deliveries?.by_state), "bad") },
  { title: "VERSION", cell: ({ agent_version }) => agent_version ?? NOTHING },
  { title: "KUBERNETES", cell: ({ k8s_version }) => k8s_version ?? NOTHING },
];

/** Stacks, with their policies. */
export const STACK_COLUMNS: readonly Column<StackBody>[] = [
  { title: "NAME", cell: ({ name }) => name },
  { title: "SUSPENDED", cell: ({ suspended }) => suspended ? { text: "yes", colour: "doubtful" } : "no" },
  { title: "AGE", cell: ({ created_at }, nowMs) => agoText(created_at, nowMs), isAge: true },
  { title: "DRIFT", cell: ({ drift }) => drift },
  { title: "NAMESPACE", cell: ({ default_namespace }) => default_namespace ?? NOTHING },
  { title: "DESCRIPTION", cell: ({ description }) => description ?? NOTHING },
];

/** Generators, with when their keys were last used. */
export const GENERATOR_COLUMNS: readonly Column<GeneratorBody>[] = [
  { title: "NAME", cell: ({ name }) => name },
  { title: "ACTIVE", cell: ({ is_active }) => is_active ? "yes" : { text: "no", colour: "doubtful" } },
  {
    title: "SEEN",
    cell: ({ last_active_at: seen }, nowMs) => seen === null ? NOTHING : agoText(seen, nowMs),
    isAge: true,
  },
  { title: "AGE", cell: ({ created_at }, nowMs) => agoText(created_at, nowMs), isAge: true },
  { title: "DESCRIPTION", cell: ({ description }) => description ?? NOTHING },
];

/** Deliveries, what matters most first. */
export const DELIVERY_COLUMNS: readonly Column<DeliveryBody>[] = [
  { title: "AGENT", cell: ({ agent }) => agent.name },
  { title: "STACK", cell: ({ stack }) => stack.name },
  { title: "STATE", cell: ({ state }) => word(state) },
  { title: "HEALTH", cell: healthCell },
  { title: "SINCE", cell: ({ desired_at }, nowMs) => agoText(desired_at, nowMs), isAge: true },
  { title: "SEEN", cell: ({ age_seconds }) => ageText(age_seconds), isAge: true },
  { title: "SEQUENCE", cell: ({ desired }) => String(desired.sequence_id) },
  { title: "CLUSTER", cell: ({ agent }) => agent.cluster_name },
  { title: "WHY", cell: whyOf },
];

/** What was submitted to a stack. */
export const SUBMISSION_COLUMNS: readonly Column<SubmissionBody>[] = [
  { title: "SEQUENCE", cell: ({ sequence_id }) => String(sequence_id) },
  { title: "SUBMITTED", cell: ({ submitted_at }, nowMs) => `${agoText(submitted_at, nowMs)} ago`, isAge: true },
  { title: "AGENTS", cell: ({ agents_desired }) => String(agents_desired) },
  { title: "APPLIED", cell: ({ agents_applied }) => count(agents_applied, "good") },
  { title: "HEALTHY", cell: ({ agents_healthy }) => count(agents_healthy, "good") },
  { title: "FAILED", cell: ({ agents_failed }) => count(agents_failed, "bad") },
  { title: "SETTLED", cell: ({ settled_at }) => settled_at === null ? { text: "not yet", colour: "doubtful" } : "yes" },
  { title: "BY", cell: ({ submitted_by: by }) => by === null ? NOTHING : `${by.role} ${by.name ?? ""}`.trim() },
  {
    title: "BODY",
    cell: ({ size_bytes: size, is_deletion_marker: isMarker }) =>
      isMarker ? "deletion" : size === null ? "not kept" : sizeText(size),
  },
  { title: "CHECKSUM", cell: ({ yaml_checksum }) => yaml_checksum.slice(0, CHECKSUM_SHOWN) },
];

const CHECKSUM_SHOWN = 12;

function count(value: number | undefined, colour: Colour): Cell {
  return { text: value === undefined ? NOTHING : String(value), ...(value ? { colour } : {}) };
}

function stacksOf({ deliveries }: AgentBody): number | string {
  return deliveries === undefined ? NOTHING : stacksIn(deliveries.by_state);
}

/** How many deliveries there are, but for those that ended. */
export function stacksIn(states: Readonly<Record<string, number>>): number {
  return Object.entries(states).reduce((sum, [state, count]) => state === "removed" ? sum : sum + count, 0);
}

function failedOf(states: Readonly<Record<string, number>> | undefined): number | undefined {
  return states && (states.failed ?? 0) + (states.blocked ?? 0);
}

/** Of an agent that is late or lost, what it said last and how long ago. */
function healthCell({ health, last_known: last }: DeliveryBody): Cell {
  if (last === null) return word(health);
  return { text: `${health} (${last.health} ${ageText(last.age_seconds)} ago)`, colour: "dim" };
}

function whyOf(delivery: DeliveryBody): string {
  return delivery.state === "applied" && delivery.health === "healthy" ? "" : reasonsOf(delivery).join(": ");
}

/** Why a delivery is as it is: the reason, and what was said of it beside how many objects there are. */
export function reasonsOf({ reason, message, health, health_reason }: DeliveryBody): readonly string[] {
  const [counts = "", detail] = (message ?? "").split("\n", 2);
  const said = reason === null ? (health === "healthy" ? null : health_reason) : detail ?? counts;
  return [reason ?? "", said?.trim() ?? ""].filter((part) => part !== "");
}
