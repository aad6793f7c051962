import { z } from "zod";

/** An alert that fires: all of its labels, and when, in minutes since it broke; without an end it still fires then. */
const Firing = z.strictObject({
  labels: z.record(z.string(), z.string()),
  from: z.number(),
  to: z.number().optional(),
});

/** A notification that says something new: when, in minutes since it broke, and the names of the new alerts. */
const Notification = z.strictObject({ at: z.number(), alerts: z.array(z.string()) });

/** Something that breaks and is mended, as it was played through: by the rules, and by Alertmanager. */
export const Outage = z.strictObject({
  name: z.string(),
  /** What happens, in words. */
  title: z.string(),
  /** When it was mended, in minutes since it broke. */
  mended: z.number(),
  /** In the order in which they begin. */
  firing: z.array(Firing),
  /** By receiver. */
  sent: z.strictObject({ pager: z.array(Notification), tickets: z.array(Notification) }),
});
/** The type of the shape of the same name. */
export type Outage = z.infer<typeof Outage>;

/** Where outages are kept; `deno task record` writes them. */
export const OUTAGES_FILE = new URL("outages.json", import.meta.url);

/** All that are kept, in the order of the page. */
export function keptOutages(): readonly Outage[] {
  return z.array(Outage).parse(JSON.parse(Deno.readTextFileSync(OUTAGES_FILE)));
}
