import type { HealthStatus } from "$lib/wire/event.ts";
import type { Connectivity } from "../domain/agent.ts";
import type { DeliveryState } from "../domain/delivery.ts";
import type { SeenDelivery, Verdict } from "../domain/seen_delivery.ts";
import { badge, type Tone } from "./words.tsx";

/** What is shown of a delivery in a word or two; of a silent agent the last known health, as that. */
export interface Shown {
  readonly state: DeliveryState;
  /** Its removal waits for a person's word. */
  readonly isHeld: boolean;
  /** As it is believed. */
  readonly health: HealthStatus;
  /** What a silent agent reported last. */
  readonly lastKnown?: HealthStatus | undefined;
}

/** The letters of a grid's cell, and what they stand for. */
export const STATE_LETTERS: Readonly<Record<DeliveryState, string>> = {
  pending: "P",
  applying: "W",
  applied: "A",
  failed: "F",
  blocked: "B",
  terminating: "T",
  removed: "R",
};
/** As {@linkcode STATE_LETTERS}, of health. */
export const HEALTH_LETTERS: Readonly<Record<HealthStatus, string>> = {
  healthy: "H",
  progressing: "R",
  degraded: "D",
  unknown: "U",
};

const HEALTH_TONES: Readonly<Record<HealthStatus, Tone>> = {
  healthy: "good",
  progressing: "busy",
  degraded: "bad",
  unknown: "unknown",
};

/** How a delivery looks: trouble before anything else, but what is no longer believed is unknown. */
export function toneOf({ health, lastKnown, ...rest }: Shown): Tone {
  if (lastKnown !== undefined) return "unknown";
  const tone = health === "degraded" ? "bad" : stateTone(rest);
  return tone === "good" ? HEALTH_TONES[health] : tone;
}

function stateTone({ state, isHeld }: Pick<Shown, "state" | "isHeld">): Tone {
  if (state === "failed") return "bad";
  if (state === "blocked" || isHeld) return "held";
  return state === "applied" ? "good" : "busy";
}

/** State and health, in words. */
export function verdictBadges({ health, lastKnown, ...rest }: Shown) {
  return (
    <>
      {badge(rest.isHeld ? `${rest.state}, held` : rest.state, lastKnown === undefined ? stateTone(rest) : "unknown")}
      {" "}
      {healthBadge(health)}
      {lastKnown === undefined ? "" : <small>last known {lastKnown}</small>}
    </>
  );
}

/** A health, as it is believed. */
export function healthBadge(health: HealthStatus) {
  return badge(health, HEALTH_TONES[health]);
}

const CONNECTIVITY_TONES: Readonly<Record<Connectivity, Tone>> = {
  connected: "good",
  late: "held",
  lost: "bad",
  never: "unknown",
};

/** How connected an agent is. */
export function connectivityBadge(connectivity: Connectivity) {
  return badge(connectivity, CONNECTIVITY_TONES[connectivity]);
}

/** What is shown of a delivery that was read with its agent. */
export function shownOf({ delivery }: SeenDelivery, { health, lastKnown }: Verdict): Shown {
  const isHeld = delivery.heldRevision !== undefined && delivery.state !== "applied";
  return { state: delivery.state, isHeld, health, lastKnown: lastKnown?.status };
}
