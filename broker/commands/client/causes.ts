import type { z } from "zod";
import type { DeliveryDetails, StackCause } from "$lib/wire/delivery.ts";
import { agoText, counted, type Paint, plain } from "./text.ts";

type Cause = z.output<typeof DeliveryDetails>["causes"][number] | z.output<typeof StackCause>;

/** How causes are written. */
export interface CauseOptions {
  readonly paint: Paint;
  readonly nowMs: number;
}

const NAMES_SHOWN = 5;

/** Each cause in the broker's own words, with whom it is about, and below it what ends it. */
export function causeLines(causes: readonly Cause[], { paint, nowMs }: CauseOptions): readonly string[] {
  return causes.flatMap((cause) => [
    `${paint("•", "bad")} ${plain(cause.text)}`,
    `  ${paint(`${whose(cause)}since ${agoText(cause.since, nowMs)}; see ${plain(cause.see)}`, "dim")}`,
    ...(cause.next === null ? [] : [`  next: ${plain(cause.next)}`]),
  ]);
}

function whose(cause: Cause): string {
  if (!("agents" in cause) || cause.agents === 0) return "";
  const names = cause.first_agents.slice(0, NAMES_SHOWN).map(({ name }) => plain(name));
  const more = cause.agents - names.length;
  return `${counted(cause.agents, "agent")} (${names.join(", ")}${more > 0 ? `, and ${more} more` : ""}), `;
}
