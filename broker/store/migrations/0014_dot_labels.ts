import type { Sql } from "$lib/database.ts";

/**
 * Labels `.` and `..` go: their path is another's, so nobody could remove them, and nobody can make them any more.
 * Whoever had a stack for such a label alone is told that it has it no more.
 */
export async function dotLabels(sql: Sql): Promise<{ readonly removed: readonly object[] }> {
  await sql`
    insert into settle_lines (stack_id, what, before)
    select stack_id, 'association', array_agg(distinct agent_id)
    from stack_labels join agent_labels using (label)
    where label in ('.', '..') group by stack_id`;
  const ofStacks = await sql<{ stack_id: string; label: string }>`
    delete from stack_labels where label in ('.', '..') returning stack_id, label`;
  const ofAgents = await sql<{ agent_id: string; label: string }>`
    delete from agent_labels where label in ('.', '..') returning agent_id, label`;
  return { removed: [...ofStacks, ...ofAgents] };
}
