import { z } from "zod";
import { StackCause } from "$lib/wire/delivery.ts";
import { mayChangeStack } from "../domain/access.ts";
import type { Cause } from "../domain/causes.ts";
import { CauseSummaries, type CauseSummary, type StackFacts } from "../domain/cause_summary.ts";
import type { Store } from "../store/mod.ts";
import { type Call, endpoint } from "./endpoint.ts";
import { asSeenBy } from "./others_stacks.ts";
import { IdPath } from "./shapes.ts";

/** Deliveries that are read at once. */
const BATCH = 1_000;

const ofStack = endpoint({
  method: "get",
  path: "/api/v1/stacks/{id}/causes",
  roles: ["admin", "generator"],
  summary: "Why a stack is not yet everywhere, or does not work there: each cause once, the most basic first",
  params: IdPath,
  answers: { 200: z.array(StackCause) },
  handle: async ({ params: { id: stackId }, caller, limits }, { stacks, deliveries, causeFacts }) => {
    const stack = await stacks.get(stackId);
    mayChangeStack(caller, stack);
    const summaries = await summariesOf(stack, { caller, limits, causeFacts });
    let cursor: string | undefined;
    do {
      const page = await deliveries.list({ stackId }, limits, {
        limit: BATCH,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const seen of page.items) summaries.add(seen);
      cursor = page.next;
    } while (cursor !== undefined);
    return { items: await asSeenBy(caller, summaries.list().map(summaryBody), stacks) };
  },
});

/** Why stacks are not converged. */
export const CAUSES = [ofStack] as const;

/** Who asks why, and what is known beside deliveries. */
export interface WhyParts extends Pick<Call, "caller" | "limits"> {
  readonly causeFacts: Store["causeFacts"];
}

/**
 * What gathers the causes of a stack, its deliveries yet to be added: agents of others are named to the admin alone.
 */
export async function summariesOf(
  stack: StackFacts["stack"],
  { caller, limits, causeFacts }: WhyParts,
): Promise<CauseSummaries> {
  const [submissions, unregistered] = await Promise.all([
    causeFacts.submissions(stack.id),
    causeFacts.unregistered(stack.id),
  ]);
  return new CauseSummaries({
    ...{ stack, limits, submissions },
    unregistered: caller.role === "admin" ? unregistered : { ...unregistered, firstAgents: [] },
  });
}

/** A cause as the API shows it. */
export function causeBody({ code, text, since, next, see }: Cause) {
  return { code, text, since: since.toISOString(), next: next ?? null, see };
}

function summaryBody({ cause, agents, firstAgents }: CauseSummary): z.input<typeof StackCause> {
  return { ...causeBody(cause), agents, first_agents: firstAgents.map(({ id, name }) => ({ id, name })) };
}
