import type { AuditEvent } from "../../cluster/audit.ts";

/** What a request to the API server is called in the agent's metrics. */
export type RequestKind = "dry_run" | "apply" | "patch" | "create" | "delete" | "get" | "list" | "watch" | "other";

const WRITES: readonly RequestKind[] = ["dry_run", "apply", "patch", "create", "delete", "other"];

/** Requests of one phase, by kind. */
export type RequestCounts = ReadonlyMap<RequestKind, number>;

/** Counts by kind. */
export function countRequests(events: readonly AuditEvent[]): RequestCounts {
  const counts = new Map<RequestKind, number>();
  for (const event of events) counts.set(kindOf(event), (counts.get(kindOf(event)) ?? 0) + 1);
  return counts;
}

/** Requests that would change something, dry runs too. */
export function writesOf(events: readonly AuditEvent[]): readonly AuditEvent[] {
  return events.filter((event) => WRITES.includes(kindOf(event)));
}

function kindOf({ verb, requestURI }: AuditEvent): RequestKind {
  const query = new URL(requestURI, "https://api").searchParams;
  if (verb === "patch" && query.get("dryRun") === "All") return "dry_run";
  if (verb === "patch" && query.get("force") === "true") return "apply";
  if (verb === "get" || verb === "list" || verb === "watch" || verb === "create") return verb;
  return verb === "patch" || verb === "delete" ? verb : "other";
}
