import type { ClientParts } from "./declaration.ts";
import { canRedraw, Screen } from "./screen.ts";
import { lastingTexts, tableLines } from "./table.ts";
import { ageText, painterFor, plain } from "./text.ts";
import type { Awaited, AwaitedDelivery, Seen } from "./wait.ts";
import { progressText, WAIT_COLUMNS } from "./wait_text.ts";

/** Agents of which each gets lines of its own where nothing is redrawn. */
const NAMED_MAX = 20;
/** Milliseconds between lines of a larger fleet. */
const LINE_INTERVAL_MS = 5_000;
const RANKS = ["blocked", "failed", "degraded", "pending", "applying", "progressing", "unknown", "healthy"];

/**
 * Shows how a wait goes on: redrawn on a terminal, the worst agents first and as many as it has lines; else a line for
 * each change, of a large fleet only its counts and not more than one in five seconds.
 */
export class WaitProgress {
  readonly #awaited: Awaited;
  readonly #parts: ClientParts;
  readonly #screen: Screen | undefined;
  #known = new Map<string, string>();
  #line = "";
  #lineMs = Number.NEGATIVE_INFINITY;
  #away: string | undefined;

  constructor(awaited: Awaited, parts: ClientParts) {
    this.#awaited = awaited;
    this.#parts = parts;
    const { terminal: { notes }, env } = parts;
    this.#screen = canRedraw(notes, env) ? new Screen(notes) : undefined;
  }

  show(seen: Seen, { elapsedMs, isLast }: { readonly elapsedMs: number; readonly isLast: boolean }): void {
    const { stack, object, goal } = this.#awaited;
    const what = `stack "${plain(stack.name)}", submission ${object.sequenceId}`;
    const far = progressText(seen, goal);
    if (this.#screen !== undefined) return this.#draw(`${far} (${ageText(elapsedMs / 1_000)}): ${what}`, seen);
    this.#appendAgents(seen);
    if (!isLast) this.#appendCounts(`${far}: ${what}`, seen, elapsedMs);
  }

  /** Says once that the broker does not answer, and once that it does again; undefined when it does. */
  isAway(why: string | undefined): void {
    const isNews = (why === undefined) !== (this.#away === undefined);
    const line = why === undefined ? "The broker answers again" : `${why}; it is asked again`;
    if (this.#screen === undefined && isNews) this.#parts.terminal.notes.write(`${line}\n`);
    if (this.#screen !== undefined && why !== undefined) this.#screen.draw([line]);
    this.#away = why;
  }

  /** Takes away what was redrawn: the last lines say how it ended. */
  end(): void {
    this.#screen?.clear();
  }

  #draw(first: string, { deliveries, counts }: Seen): void {
    const { terminal: { notes }, env, api } = this.#parts;
    const { columns, rows } = this.#screen?.size ?? { columns: 80, rows: 24 };
    const room = Math.max(1, rows - 4);
    const worst = deliveries.toSorted((one, other) => rankOf(one) - rankOf(other)).slice(0, room);
    const options = { paint: painterFor(notes, env), nowMs: api.nowMs(), width: columns };
    const more = counts.desired - worst.length;
    this.#screen?.draw([
      first,
      ...(worst.length === 0 ? [] : tableLines(worst, WAIT_COLUMNS, options)),
      ...(more > 0 && worst.length > 0 ? [`and ${more} more`] : []),
    ]);
  }

  #appendAgents({ deliveries, counts }: Seen): void {
    if (counts.desired > NAMED_MAX) return;
    for (const delivery of deliveries) {
      const text = lastingTexts(delivery, WAIT_COLUMNS);
      if (this.#known.get(delivery.agent.id) !== text) this.#parts.terminal.notes.write(`${lineOf(delivery)}\n`);
      this.#known.set(delivery.agent.id, text);
    }
  }

  #appendCounts(what: string, { counts }: Seen, elapsedMs: number): void {
    const isEarly = counts.desired > NAMED_MAX && elapsedMs - this.#lineMs < LINE_INTERVAL_MS;
    if (what === this.#line || isEarly) return;
    this.#parts.terminal.notes.write(`${what}\n`);
    this.#line = what;
    this.#lineMs = elapsedMs;
  }
}

function lineOf(delivery: AwaitedDelivery): string {
  const [, line = ""] = tableLines([delivery], WAIT_COLUMNS, { paint: (text) => text, nowMs: 0 });
  return `  ${line}`;
}

/** The worst first. */
function rankOf({ state, health }: AwaitedDelivery): number {
  return RANKS.indexOf(state === "applied" ? health : state);
}
