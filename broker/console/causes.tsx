import type { Cause } from "../domain/causes.ts";
import type { CauseSummary } from "../domain/cause_summary.ts";
import { longAge, named, secondsBetween } from "./words.tsx";

/** Why one delivery is not converged, the most basic cause first. */
export function causeList(causes: readonly Cause[], now: Date) {
  if (causes.length === 0) return <p class="notice good">Nothing is in its way: it is as it should be.</p>;
  return (
    <ol class="causes">
      {causes.map((cause) => (
        <li>
          <p>
            <strong>{named(cause.text)}</strong> <small>for {longAge(secondsBetween(cause.since, now))}</small>
          </p>
          {next(cause)}
        </li>
      ))}
    </ol>
  );
}

/** Why a stack is not converged: each kind of cause once. */
export function causeSummaries(summaries: readonly CauseSummary[]) {
  if (summaries.length === 0) return <p class="notice good">Nothing is in its way anywhere.</p>;
  return (
    <ol class="causes">
      {summaries.map(({ cause, agents, firstAgents }) => (
        <li>
          <p>
            <strong>{named(cause.text)}</strong>{" "}
            <small>{agents === 0 ? "" : agents === 1 ? "1 agent" : `${agents} agents`}</small>
          </p>
          {next(cause)}
          {agents < 2 ? "" : (
            <p>
              <small>
                {firstAgents.map(({ name }, index) => <>{index === 0 ? "" : ", "}{named(name)}</>)}
                {agents > firstAgents.length ? " and more" : ""}
              </small>
            </p>
          )}
        </li>
      ))}
    </ol>
  );
}

function next({ next: command, see }: Cause) {
  return (
    <>
      {command === undefined ? "" : <pre tabindex={0}><code>{command}</code></pre>}
      <p>
        <small>
          More in <code>{see}</code>
        </small>
      </p>
    </>
  );
}
