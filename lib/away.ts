/** What may be away where no answer comes of what is kept. */
export const AWAY = ["broker", "database"] as const;
type Away = (typeof AWAY)[number];

const KEPT = "clusters keep what they have, and nothing new arrives until it is back";

/** What it means that one is away, and where more is said: the end of a line that begins with what was tried. */
export function awayText(what: Away): string {
  const who = what === "broker" ? "" : "the broker is there, its database is not; ";
  return `${who}${KEPT} (see docs/content/how-to/find-out-why.md#${what}_away)`;
}

/** What is away, by the details of an answer of the API. */
export function awayIn(details: Readonly<Record<string, unknown>> | undefined): Away | undefined {
  return details?.away === "database" ? details.away : undefined;
}
