import { type SeenDelivery, type Verdict, verdictOf } from "../domain/seen_delivery.ts";
import type { Visit } from "./parts.ts";
import { shownOf, verdictBadges } from "./verdicts.tsx";
import { named, timeAgo } from "./words.tsx";

/** Deliveries of one agent, which differ by stack, or of one stack, which differ by agent. */
export function deliveryTable(list: readonly SeenDelivery[], by: "agent" | "stack", { parts: { limits } }: Visit) {
  if (list.length === 0) return <p>None.</p>;
  return (
    <div class="scroll" role="region" aria-label="Deliveries" tabindex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">{by === "agent" ? "Agent" : "Stack"}</th>
            {["State and health", "Desired", "Reported", "Why"].map((word) => <th scope="col">{word}</th>)}
          </tr>
        </thead>
        <tbody>
          {list.map((seen) => deliveryRow(seen, by, verdictOf(seen, limits)))}
        </tbody>
      </table>
    </div>
  );
}

function deliveryRow(seen: SeenDelivery, by: "agent" | "stack", verdict: Verdict) {
  const { delivery, agent, stack, desired, now } = seen;
  return (
    <tr>
      <th scope="row">
        <a href={`/console/deliveries/${agent.id}/${stack.id}`}>{named(by === "agent" ? agent.name : stack.name)}</a>
      </th>
      <td>{verdictBadges(shownOf(seen, verdict))}</td>
      <td>{desired.sequenceId}</td>
      <td>{timeAgo(delivery.observedAt, now)}</td>
      <td>{named(delivery.reason ?? whyNotHealthy(verdict) ?? "–")}</td>
    </tr>
  );
}

/** Of what was applied, why it does not work; of what does, nothing. */
function whyNotHealthy({ health, healthReason }: Verdict): string | undefined {
  return health === "healthy" ? undefined : healthReason;
}
