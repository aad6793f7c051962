import type { ConnectivityLimits } from "./agent.ts";
import {
  type Cause,
  CAUSE_ORDER,
  causesOf,
  documented,
  type FoundCause,
  type KnownSubmission,
  notSettled,
} from "./causes.ts";
import { register, submit, target } from "./next_commands.ts";
import type { SeenDelivery } from "./seen_delivery.ts";

/** An agent, as a person knows it. */
export type NamedAgent = Pick<SeenDelivery["agent"], "id" | "name">;

/** One cause of several deliveries, in the words of the first of them. */
export interface CauseSummary {
  readonly cause: Cause;
  readonly agents: number;
  readonly firstAgents: readonly NamedAgent[];
}

/** What is known of a stack beside its deliveries. */
export interface StackFacts {
  readonly stack: {
    readonly id: string;
    readonly name: string;
    readonly generatorId: string;
    readonly createdAt: Date;
  };
  readonly limits: ConnectivityLimits;
  /** The last ones, newest first. */
  readonly submissions: readonly KnownSubmission[];
  /** Agents that share a tag with it, and take nothing of its generator. */
  readonly unregistered: { readonly agents: number; readonly firstAgents: readonly NamedAgent[] };
}

/** How many agents a cause names. */
export const FIRST_AGENTS = 20;

/** Gathers why a stack is not converged everywhere, each kind of cause once. */
export class CauseSummaries {
  readonly #facts: StackFacts;
  readonly #byCode = new Map<string, { cause: Cause; agents: number; firstAgents: NamedAgent[] }>();
  #deliveries = 0;

  constructor(facts: StackFacts) {
    this.#facts = facts;
  }

  /** Counts a delivery under each of its causes. */
  add(seen: SeenDelivery): void {
    const { limits, submissions } = this.#facts;
    if (seen.delivery.state !== "removed") this.#deliveries += 1;
    for (const cause of causesOf({ seen, limits, submissions })) {
      const known = this.#byCode.getOrInsertComputed(cause.code, () => ({ cause, agents: 0, firstAgents: [] }));
      known.agents += 1;
      if (known.firstAgents.length < FIRST_AGENTS) known.firstAgents.push(seen.agent);
    }
  }

  /** The most basic cause first. */
  list(): readonly CauseSummary[] {
    const ofDeliveries = [...this.#byCode.values()];
    return [...this.#ofStack(), ...ofDeliveries].sort((one, other) => placeOf(one.cause) - placeOf(other.cause));
  }

  #ofStack(): readonly CauseSummary[] {
    const { unregistered } = this.#facts;
    const ofNobody = (cause: FoundCause) => ({ cause: documented(cause), agents: 0, firstAgents: [] });
    return [
      ...(this.#deliveries === 0 ? [ofNobody(whyNowhere(this.#facts))] : []),
      ...(unregistered.agents === 0 ? [] : [{ ...unregistered, cause: documented(notRegistered(this.#facts)) }]),
    ];
  }
}

function whyNowhere({ stack, submissions: [newest] }: StackFacts): FoundCause {
  if (newest === undefined) {
    const text = "Nothing has been submitted to the stack yet";
    return { code: "nothing_submitted", text, since: stack.createdAt, next: submit(stack) };
  }
  if (!newest.isSettled) return notSettled(newest);
  return {
    code: "no_agent",
    text: "No agent is to have the stack: it is no agent's target, and shares no label or annotation with one",
    since: newest.submittedAt,
    next: target(stack),
  };
}

function notRegistered({ stack, unregistered: { agents, firstAgents: [first] } }: StackFacts): FoundCause {
  const who = agents === 1 ? "An agent shares" : `${agents} agents share`;
  const takes = agents === 1 ? "it takes" : "they take";
  return {
    code: "agent_not_registered",
    text: `${who} a label or an annotation with the stack, but ${takes} nothing of its generator`,
    since: stack.createdAt,
    ...(first === undefined ? {} : { next: register(first.id, stack.generatorId) }),
  };
}

/** A reason that this program does not know stands before those that only say that it goes on. */
function placeOf({ code }: Cause): number {
  const place = CAUSE_ORDER.indexOf(code);
  return place < 0 ? CAUSE_ORDER.indexOf("retried") - 0.5 : place;
}
