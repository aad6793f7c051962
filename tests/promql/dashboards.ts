import { z } from "zod";
import { chartFiles, readFile } from "./rule_files.ts";

const Panel = z.object({
  id: z.number(),
  type: z.enum(["row", "stat", "timeseries"]),
  title: z.string().min(1),
  description: z.string().min(1).optional(),
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  datasource: z.strictObject({ type: z.literal("prometheus"), uid: z.literal("${datasource}") }).optional(),
  targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })).default([]),
  fieldConfig: z.object({
    defaults: z.object({
      unit: z.string(),
      thresholds: z.object({ steps: z.array(z.object({ color: z.string(), value: z.number().nullable() })) })
        .optional(),
    }),
  }).optional(),
});
const Dashboard = z.object({
  uid: z.string().max(40),
  schemaVersion: z.number(),
  panels: z.array(Panel.extend({ collapsed: z.boolean().optional(), panels: z.array(Panel).default([]) })),
  links: z.array(z.object({ includeVars: z.literal(true), keepTime: z.literal(true) })),
  templating: z.object({ list: z.array(z.object({ name: z.string(), definition: z.string().default("") })) }),
});

/** A panel, as the file of its dashboard has it. */
export type Panel = z.infer<typeof Panel>;

/** Every dashboard of both charts, with its rows, and all its panels whether or not their row is closed. */
export function dashboards() {
  return chartFiles("dashboards").map((path) => {
    const { panels, ...rest } = Dashboard.parse(JSON.parse(readFile(path)));
    return { path, rows: panels, panels: panels.flatMap((panel) => [panel, ...panel.panels]), ...rest };
  });
}
