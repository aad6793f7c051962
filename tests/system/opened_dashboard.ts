import { z } from "zod";
import { dashboardExpressions } from "../promql/expressions.ts";
import { readFile } from "../promql/rule_files.ts";
import type { Prometheus } from "../prometheus/prometheus.ts";

/** What the variables of a dashboard stand for, by name. */
export type VariableValues = ReadonlyMap<string, string>;

const Variables = z.object({
  templating: z.object({ list: z.array(z.object({ name: z.string(), allValue: z.string().optional() })) }),
});

/** What a dashboard's variables stand for when it is opened: "All" is what each is told to say then, or lists. */
export async function openDashboard(path: string, prometheus: Prometheus): Promise<VariableValues> {
  const text = readFile(path);
  const all = new Map(Variables.parse(JSON.parse(text)).templating.list.map(({ name, allValue }) => [name, allValue]));
  const values = new Map<string, string>();
  for (const { where, promql } of dashboardExpressions(path, text)) {
    const [, name] = /: variable (\w+)$/.exec(where) ?? [];
    if (name === undefined) continue;
    const samples = await prometheus.query(asGrafanaAsks(promql, { values, scrapeSeconds: 0 }));
    values.set(name, all.get(name) ?? `(${samples.flatMap(({ labels }) => Object.values(labels)).join("|")})`);
  }
  return values;
}

/** An expression with the variables' values, and an interval that fits how often is scraped. */
export function asGrafanaAsks(
  promql: string,
  { values = new Map(), scrapeSeconds }: { readonly values?: VariableValues; readonly scrapeSeconds: number },
): string {
  const timed = promql.replaceAll("$__rate_interval", `${scrapeSeconds * 4}s`);
  return timed.replaceAll(/\$(\w+)/g, (_, name: string) => values.get(name) ?? "");
}
