/** What the API server, or the agent, says of a refusal, the most telling first. */
const REFUSALS = [
  ["quota", /exceeded quota: /i],
  ["webhook_away", /failed calling webhook/i],
  ["admission", /admission webhook|denied (?:the )?request|violates podsecurity/i],
  ["namespace_missing", /namespaces "[^"]{1,63}" not found/i],
  ["type_missing", /there is no kind "|no matches for kind/i],
  ["wanted_elsewhere", /: it belongs to stack "/],
  ["other_tool", /: it belongs to /],
  [
    "immutable",
    /is immutable|forbidden: updates to |may not (?:be (?:changed|modified)|change once set)|cannot change roleref/i,
  ],
  ["conflict", /failed with \d{1,6} conflicts?: /i],
  ["rights", /forbidden: user|is forbidden.{0,300} cannot |is attempting to grant/i],
  ["admission", /is forbidden: /i],
] as const;

/** A refusal that is known by its words. */
export type RefusalCode = (typeof REFUSALS)[number][0];

/** What is read of an agent's message, which may be long. */
const MESSAGE_MAX = 4_096;
const LINE_MAX = 500;
/** Such as "1 failed, 3 unchanged": how many objects, and not why. */
const SUMMARY = /^\d+ \w+(?:, \d+ \w+)*$/;

/** Of what kind a refusal is, where its words tell. */
export function refusalCodeOf(message: string): RefusalCode | undefined {
  const text = message.slice(0, MESSAGE_MAX);
  return REFUSALS.find(([, words]) => words.test(text))?.[0];
}

/** The line of an agent's message that says why: the first with the code's words, else the first that is no summary. */
export function reasonLine(message: string | undefined, code: string): string | undefined {
  const lines = (message ?? "").slice(0, MESSAGE_MAX).split("\n").filter((line) => line !== "" && !SUMMARY.test(line));
  const patterns = REFUSALS.filter(([one]) => one === code).map(([, words]) => words);
  const line = lines.find((one) => patterns.some((words) => words.test(one))) ?? lines[0];
  return line === undefined || line.length <= LINE_MAX ? line : `${line.slice(0, LINE_MAX - 1)}…`;
}
