import type { SloResult } from "../domain/delivery_times.ts";
import type { Handle } from "./handle.ts";

/** How many deliveries a turn decided, and how many of them came to which result. */
export interface SloTurn {
  readonly decided: number;
  readonly counted: Readonly<Partial<Record<SloResult, number>>>;
}

/** The objective of how long deliveries take: each desired object is decided once. */
export interface SloStore {
  /**
   * Decides up to `max` deliveries: those that are healthy, and those whose time is over. Where the agent reports no
   * health, of any, it counts when it was applied. Not counted are those of agents that are not `ACTIVE` and of
   * suspended stacks.
   */
  decide(sloSeconds: number, max: number): Promise<SloTurn>;
}

interface CountRow {
  readonly result: SloResult | null;
  readonly deliveries: number;
}

/** {@linkcode SloStore} over the table `deliveries`; whoever writes `slo_counted_at`, it is here. */
export function sloStore({ sql }: Handle): SloStore {
  return {
    async decide(sloSeconds, max) {
      const allowed = sql.fragment`make_interval(secs => ${sloSeconds})`;
      const waitsSince = sql.fragment`
        (case when healthy_at >= desired_at then '-infinity'::timestamptz else desired_at end)`;
      const rows = await sql<CountRow>`
        with due as (
          select delivery.id, case
              when agent.status <> 'ACTIVE' or stack.suspended then null
              when healthy_at between desired_at and desired_at + ${allowed} then 'in_time'
              when health is null and applied_at <= desired_at + ${allowed} and not exists (
                select from agent_delivery_counts known
                where known.agent_id = delivery.agent_id and known.health <> 'unknown' and known.deliveries > 0
              ) then 'in_time'
              else 'late' end as result
          from deliveries delivery
          cross join lateral (select status from agents where id = delivery.agent_id offset 0) agent
          cross join lateral (select suspended from stacks where id = delivery.stack_id offset 0) stack
          where (slo_counted_at is null or slo_counted_at < desired_at) and state not in ('terminating', 'removed')
            and ${waitsSince} <= now() - ${allowed}
          order by ${waitsSince} limit ${max} for update of delivery skip locked
        ), decided as (
          update deliveries set slo_counted_at = greatest(now(), desired_at)
          from due where deliveries.id = due.id
          returning result
        )
        select result, count(*) as deliveries from decided group by result`;
      const counted = rows.flatMap(({ result, deliveries }) => result === null ? [] : [[result, deliveries] as const]);
      return {
        decided: rows.reduce((sum, { deliveries }) => sum + deliveries, 0),
        counted: Object.fromEntries(counted),
      };
    },
  };
}
