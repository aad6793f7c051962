import type { AgentEvent } from "../domain/delivery.ts";
import type { SeenDelivery } from "../domain/seen_delivery.ts";

const WIDTH = 760;
const MARGIN = 56;
const STEP_Y = 34;
const REPORTS_Y = 104;
const HEIGHT = 136;

interface Step {
  readonly name: string;
  readonly at: Date | undefined;
}

/** The way of a delivery: its steps with the time each took, and beneath them what was reported when. */
export function timeline(seen: SeenDelivery, history: readonly AgentEvent[]) {
  const steps = stepsOf(seen);
  return (
    <div class="scroll" role="region" aria-label="Timeline" tabindex={0}>
      <svg class="timeline" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={inWords(steps)}>
        {steps.map((step, index) => mark(step, { index, before: lastBefore(steps, index), count: steps.length }))}
        {reports(history, seen)}
      </svg>
    </div>
  );
}

function stepsOf({ delivery, desired }: SeenDelivery): readonly Step[] {
  return [
    { name: "submitted", at: desired.submittedAt },
    { name: "settled", at: desired.settledAt },
    { name: "delivered", at: delivery.deliveredAt },
    { name: "applied", at: delivery.appliedAt },
    { name: "healthy", at: delivery.healthyAt },
  ];
}

/** When the last step before this one was, whose time is known. */
function lastBefore(steps: readonly Step[], index: number): Date | undefined {
  return steps.slice(0, index).findLast(({ at }) => at !== undefined)?.at;
}

interface Place {
  readonly index: number;
  readonly before: Date | undefined;
  readonly count: number;
}

function mark({ name, at }: Step, { index, before, count }: Place) {
  const gap = (WIDTH - 2 * MARGIN) / (count - 1);
  const x = MARGIN + index * gap;
  const look = at === undefined ? "open" : "done";
  return (
    <g class={look}>
      {index === 0 ? "" : <line x1={x - gap + 9} x2={x - 9} y1={STEP_Y} y2={STEP_Y} />}
      <circle cx={x} cy={STEP_Y} r="6" />
      <text x={x} y={STEP_Y + 26}>{name}</text>
      {index === 0 || at === undefined || before === undefined
        ? ""
        : <text class="took" x={x - gap / 2} y={STEP_Y - 9}>{took(before, at)}</text>}
    </g>
  );
}

/** What an agent saw by another clock than the broker's may lie before. */
function took(before: Date, at: Date): string {
  const ms = Math.max(0, at.getTime() - before.getTime());
  if (ms < 1_000) return `${ms} ms`;
  const seconds = ms / 1_000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3_600) return `${(seconds / 60).toFixed(1)} min`;
  return seconds < 86_400 ? `${(seconds / 3_600).toFixed(1)} h` : `${(seconds / 86_400).toFixed(1)} d`;
}

function inWords(steps: readonly Step[]): string {
  const said = steps.map(({ name, at }) => `${name} ${at === undefined ? "not yet" : at.toISOString()}`);
  return `Timeline: ${said.join(", ")}`;
}

/** Reports on a line from the first of them until now: repairs of drift and retries, too. */
function reports(history: readonly AgentEvent[], { now }: SeenDelivery) {
  const first = history.at(-1)?.createdAt;
  if (first === undefined) return "";
  const span = Math.max(1, now.getTime() - first.getTime());
  const place = (at: Date) => MARGIN + (at.getTime() - first.getTime()) / span * (WIDTH - 2 * MARGIN);
  return (
    <g class="reports">
      <line x1={MARGIN} x2={WIDTH - MARGIN} y1={REPORTS_Y} y2={REPORTS_Y} />
      {history.map(({ createdAt, status }) => (
        <circle class={status === "SUCCESS" ? "good" : "bad"} cx={place(createdAt).toFixed(1)} cy={REPORTS_Y} r="4">
          <title>{status === "SUCCESS" ? "succeeded" : "failed"} {createdAt.toISOString()}</title>
        </circle>
      ))}
      <text class="start" x={MARGIN} y={REPORTS_Y + 22}>first report shown, {took(first, now)} ago</text>
      <text class="end" x={WIDTH - MARGIN} y={REPORTS_Y + 22}>now</text>
    </g>
  );
}
