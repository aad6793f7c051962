import type { SharedDatabase, Sql, Transaction } from "$lib/database.ts";
import { isFailure } from "$lib/error.ts";
import { holdJob, limitLockWaits } from "./changes.ts";
import { settleInSpan } from "./delivery_spans.ts";
import type { StoreTracing } from "./handle.ts";
import type { SettlingStore } from "./mod.ts";
import type { Notifier } from "./notifier.ts";
import { addForgottenLines, beginLine, holdLine, type Line, takeLine } from "./settle_lines.ts";
import { concernedAgents, hasManyDeliveries, type SettledTurn, settleTurn } from "./settling.ts";

/** How a store settles. */
export interface SettlerOptions {
  /** Agents in one transaction. */
  readonly agentsAtOnce: number;
  /** Agents of one submission that go on with its trace. */
  readonly agentsPerTrace: number;
  /** Hears for how long each submission waited until it was settled. */
  readonly onSettled: (seconds: number) => void;
  readonly notices: Pick<Notifier, "agentsChanged">;
  readonly tracing: StoreTracing;
}

/** Lines that one request settles itself, one after the other, before it leaves the rest to the job. */
const LINES_AT_ONCE = 20;
/** Stacks that one sweep finds at most. */
const FORGOTTEN_AT_ONCE = 1_000;

/** Settles lines of work: at once where one turn is enough, else turn by turn, on whichever replica. */
export class Settler implements SettlingStore {
  readonly #database: SharedDatabase;
  readonly #options: SettlerOptions;
  #left: () => void = () => {};
  #ahead: Ahead | undefined;
  /** The lines of this round whose turns failed, and why: they keep no other waiting. */
  readonly #failed = new Map<number, unknown>();

  constructor(database: SharedDatabase, options: SettlerOptions) {
    this.#database = database;
    this.#options = options;
  }

  onLeft(left: () => void): void {
    this.#left = left;
  }

  /** Settles what was just committed, where each takes but one turn; what can't be is left to the job. */
  async soon(lines: readonly Line[]): Promise<void> {
    for (const [index, line] of lines.entries()) {
      if (index === LINES_AT_ONCE || !await this.#isSettledAtOnce(line)) return this.#left();
    }
  }

  /** Settles lines whole, in the transaction that wrote them; returns the agents whose snapshots it changed. */
  async within(tx: Sql, lines: readonly Line[]): Promise<readonly string[]> {
    const agentIds: string[] = [];
    for (const line of lines) {
      for (let held = await holdLine(tx, line); held !== undefined; held = await holdLine(tx, line)) {
        agentIds.push(...(await this.#turn(tx, held)).changedAgentIds);
      }
    }
    return agentIds;
  }

  async settleNext(): Promise<boolean> {
    let line: Line | undefined;
    try {
      const turn = await this.#database.transaction(async (tx) => {
        [, line] = await Promise.all([limitLockWaits(tx), takeLine(tx, [...this.#failed.keys()])]);
        return line && await this.#turn(tx, line);
      });
      if (turn === undefined) return this.#endRound();
      this.#committed(turn);
    } catch (error) {
      if (line === undefined) throw error;
      this.#failed.set(line.id, error);
    }
    return true;
  }

  sweep(): Promise<number> {
    return this.#database.transaction(async (tx) =>
      await holdJob(tx, "sweep") ? await addForgottenLines(tx, FORGOTTEN_AT_ONCE) : 0
    );
  }

  /** What was changed is lasting: a database that is away now is no failure of the change. */
  async #isSettledAtOnce(line: Line): Promise<boolean> {
    try {
      if (await hasManyDeliveries(this.#database.sql, line.scope, this.#options.agentsAtOnce)) return false;
      const turn = await this.#database.transaction((tx) => this.#onlyTurn(tx, line));
      this.#committed(turn);
      return turn.isDone;
    } catch (error) {
      if (isFailure(error, "unavailable")) return false;
      throw error;
    }
  }

  /** Nothing is left but what failed, which the next round tries again. */
  #endRound(): false {
    const [first] = this.#failed.entries();
    this.#failed.clear();
    if (first !== undefined) throw first[1];
    return false;
  }

  #committed({ seconds, changedAgentIds }: SettledTurn): void {
    seconds.forEach(this.#options.onSettled);
    this.#options.notices.agentsChanged(changedAgentIds);
  }

  async #onlyTurn(tx: Transaction, line: Line): Promise<SettledTurn> {
    const [, held] = await Promise.all([limitLockWaits(tx), holdLine(tx, line)]);
    if (held === undefined) return { isDone: true, seconds: [], changedAgentIds: [] };
    if (held.progress !== undefined) return { isDone: false, seconds: [], changedAgentIds: [] };
    return await this.#turn(tx, held);
  }

  async #turn(tx: Sql, held: Line): Promise<SettledTurn> {
    const { agentsAtOnce, agentsPerTrace, tracing } = this.#options;
    const [line, left] = await Promise.all([beginLine(tx, held), this.#aheadOf(held) ?? concernedAgents(tx, held)]);
    const agentIds = left.slice(0, agentsAtOnce);
    const hasMore = left.length > agentsAtOnce;
    if (hasMore) this.#ahead = { id: line.id, progress: agentIds.at(-1), agentIds: left.slice(agentsAtOnce) };
    const settle = () => settleTurn(tx, line, { agentIds, agentsPerTrace, hasMore });
    return await settleInSpan(tracing, { line, agents: agentIds.length }, settle);
  }

  /**
   * Who a line concerns is read once, and not anew for each turn: it costs as much as a turn for thousands. What a
   * first turn read is of no use once that was undone: the line begins anew then, and covers more.
   */
  #aheadOf({ id, progress }: Line): readonly string[] | undefined {
    const ahead = this.#ahead;
    return progress !== undefined && ahead?.id === id && ahead.progress === progress ? ahead.agentIds : undefined;
  }
}

/** The agents of a line that come after those that it has come to. */
interface Ahead extends Pick<Line, "id" | "progress"> {
  readonly agentIds: readonly string[];
}
