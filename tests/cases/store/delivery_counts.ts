import assert from "node:assert/strict";

/** Runs a statement without parameters: any door to a database, or PostgreSQL's own driver. */
type Ask = (statement: TemplateStringsArray) => PromiseLike<Iterable<object>>;

/** Fails unless what is kept of how many deliveries each agent has of each state is what counting them gives. */
export async function assertCounted(ask: Ask, after = "in the end"): Promise<void> {
  const wrong = await ask`
    select agent_id, state, coalesce(kept.deliveries, 0)::integer as kept, coalesce(there.deliveries, 0)::integer as there
    from agent_delivery_counts kept
    full join (
      select agent_id, state, count(*) as deliveries from deliveries group by agent_id, state
    ) there using (agent_id, state)
    where coalesce(kept.deliveries, 0) <> coalesce(there.deliveries, 0)`;
  assert.deepEqual(Array.from(wrong, (row) => ({ ...row })), [], after);
}
