import assert from "node:assert/strict";

/** Runs a statement without parameters: any door to a database, or PostgreSQL's own driver. */
type Ask = (statement: TemplateStringsArray) => PromiseLike<Iterable<object>>;

/**
 * Fails unless what is kept of how many deliveries each agent has of each state and health is what counting them gives.
 */
export async function assertCounted(ask: Ask, after = "in the end"): Promise<void> {
  const wrong = await ask`
    select agent_id, state, health, coalesce(kept.deliveries, 0)::integer as kept, coalesce(there.deliveries, 0)::integer as there
    from agent_delivery_counts kept
    full join (
      select agent_id, state, coalesce(health, 'unknown') as health, count(*) as deliveries
      from deliveries group by 1, 2, 3
    ) there using (agent_id, state, health)
    where coalesce(kept.deliveries, 0) <> coalesce(there.deliveries, 0)`;
  assert.deepEqual(Array.from(wrong, (row) => ({ ...row })), [], after);
}
