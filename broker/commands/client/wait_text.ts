import { causeLines } from "./causes.ts";
import { reasonsOf, word } from "./columns.ts";
import type { ClientParts } from "./declaration.ts";
import type { Goal } from "./flags.ts";
import type { Column } from "./table.ts";
import { ageText, counted, type Paint, painterFor, plain } from "./text.ts";
import type { Awaited, AwaitedDelivery, Seen, WaitOutcome } from "./wait.ts";

/** Deliveries while they are waited for. */
export const WAIT_COLUMNS: readonly Column<AwaitedDelivery>[] = [
  { title: "AGENT", cell: ({ agent }) => agent.name },
  { title: "STATE", cell: ({ state }) => word(state) },
  { title: "HEALTH", cell: (one) => isThere(one) ? word(one.health) : "" },
  { title: "WHY", cell: whyOf },
];

/** How far it is, in one line. */
export function progressText(
  { isSettled, counts, missing }: Pick<Seen, "isSettled" | "counts" | "missing">,
  goal: Goal,
): string {
  if (isSettled && counts.desired === 0) return "no agent is to have it";
  if (!isSettled) return "the broker finds out which agents are to have it";
  const { desired, failed } = counts;
  const more = missing === 0 ? "" : `, ${counted(missing, "agent")} to come`;
  return `${goal} with ${counts[goal]} of ${counted(desired, "agent")}${
    failed === 0 ? "" : `, failed with ${failed}`
  }${more}`;
}

/** The last lines: how it ended and, where it is not there, why. */
export function endLines(
  { kind, why, counts, missing, elapsedMs, goal, causes = [] }: WaitOutcome,
  { stack, object }: Pick<Awaited, "stack" | "object">,
  { terminal: { notes }, env, api }: ClientParts,
): readonly string[] {
  const paint = painterFor(notes, env);
  const what = `Stack "${plain(stack.name)}", submission ${object.sequenceId}`;
  const after = `after ${ageText(elapsedMs / 1_000)}`;
  const far = counts === undefined
    ? ["nothing is known of it"]
    : counts.desired === 0
    ? []
    : [progressText({ isSettled: true, counts, missing }, goal)];
  if (kind === "there") {
    return [paint(`${what}: ${goal} with ${counted(counts?.desired ?? 0, "agent")}, ${after}`, "good")];
  }
  const [words, colour] = ENDINGS[kind];
  return [
    ...causeLines(causes, { paint, nowMs: api.nowMs() }),
    `${paint(words, colour)} ${after}: ${what}: ${[...(why === undefined ? [] : [why]), ...far].join("; ")}`,
  ];
}

const ENDINGS = {
  failed: ["Failed", "bad"],
  timed_out: ["Timed out", "bad"],
  interrupted: ["Interrupted", "doubtful"],
} as const satisfies Record<string, readonly [string, Parameters<Paint>[1]]>;

/** Until then, its health is that of what was there before. */
function isThere({ applied, desired }: AwaitedDelivery): boolean {
  return applied?.id === desired.id;
}

function whyOf(delivery: AwaitedDelivery): string {
  const { agent: { connectivity }, health, attempts } = delivery;
  if (isThere(delivery) && health === "healthy") return "";
  return [
    ...(connectivity === "connected" ? [] : [`agent is ${connectivity}`]),
    ...(attempts > 1 ? [`${attempts} tries`] : []),
    ...reasonsOf(delivery),
  ].join(", ");
}
