import type { SpanContext } from "@opentelemetry/api";
import type { Clock } from "$lib/clock.ts";
import { type DatabaseMetrics, type Operation, type SqlValue, type TRANSACTION_STEPS } from "$lib/database.ts";
import { bound, type BoundCounter, type BoundHistogram } from "$lib/metrics.ts";
import { operations } from "./operation.ts";
import { StatementSpans, type StatementSpansParts } from "./statement_spans.ts";

interface Cells {
  readonly queries: BoundCounter;
  readonly duration: BoundHistogram;
  readonly errors: BoundCounter;
}

/** What a transaction does besides its statements. */
export type TransactionStep = (typeof TRANSACTION_STEPS)[number];

type Statement<T> = (piece: TemplateStringsArray, values: readonly SqlValue[]) => Promise<T>;

/** What measuring takes. */
export interface MeterParts extends StatementSpansParts {
  readonly clock: Clock;
  /** Nothing is counted when left out. */
  readonly metrics?: DatabaseMetrics | undefined;
}

/**
 * Counts and times statements by their operation, when they end, however they end, and traces those of sampled work.
 */
export class Meter {
  readonly #clock: Clock;
  readonly #spans: StatementSpans;
  readonly #cells: Readonly<Record<Operation, Cells>> | undefined;
  readonly #steps: Readonly<Record<TransactionStep, BoundHistogram>> | undefined;
  readonly #operationOf = operations();

  constructor({ clock, metrics, ...spans }: MeterParts) {
    this.#clock = clock;
    this.#spans = new StatementSpans(spans);
    if (metrics === undefined) return;
    const bind = (operation: Operation): Cells => ({
      queries: bound(metrics.queries, { operation }),
      duration: bound(metrics.duration, { operation }),
      errors: bound(metrics.errors, { operation }),
    });
    const { transactions } = metrics;
    this.#steps = {
      begin: bound(transactions, { operation: "begin" }),
      commit: bound(transactions, { operation: "commit" }),
    };
    this.#cells = { select: bind("select"), insert: bind("insert"), update: bind("update"), delete: bind("delete") };
  }

  /** Runs `statement` and records it; what is not one of the four operations is only run. */
  async measure<T>(piece: TemplateStringsArray, values: readonly SqlValue[], statement: Statement<T>): Promise<T> {
    return await this.inTransaction().measure(piece, values, statement);
  }

  /** Runs what begins or commits a transaction, and records how long the server took, unless it failed. */
  timed<T>(operation: TransactionStep, step: () => Promise<T>): Promise<T> {
    return this.#spans.ofStep(operation, (span) => this.#timed(operation, { step, span }));
  }

  async #timed<T>(
    operation: TransactionStep,
    { step, span }: { readonly step: () => Promise<T>; readonly span: SpanContext | undefined },
  ): Promise<T> {
    if (this.#steps === undefined) return await step();
    const startedMs = this.#clock.monotonic();
    const result = await step();
    this.#steps[operation].record((this.#clock.monotonic() - startedMs) / 1_000, span);
    return result;
  }

  /** Does so for one transaction: its first statement's time begins now, so that the wait for a connection is in it. */
  inTransaction(): Pick<Meter, "measure" | "timed"> {
    let beganMs = this.#cells && this.#clock.monotonic();
    const counted = async <T>(
      piece: TemplateStringsArray,
      values: readonly SqlValue[],
      { statement, span }: { readonly statement: Statement<T>; readonly span: SpanContext | undefined },
    ): Promise<T> => {
      const operation = this.#cells && this.#operationOf(piece, values);
      if (this.#cells === undefined || operation === undefined) return await statement(piece, values);
      const { queries, duration, errors } = this.#cells[operation];
      const startedMs = beganMs ?? this.#clock.monotonic();
      beganMs = undefined;
      try {
        return await statement(piece, values);
      } catch (error) {
        errors.add();
        throw error;
      } finally {
        queries.add();
        duration.record((this.#clock.monotonic() - startedMs) / 1_000, span);
      }
    };
    return {
      timed: (operation, step) => this.timed(operation, step),
      measure: (piece, values, statement) =>
        this.#spans.ofStatement(piece, values, (span) => counted(piece, values, { statement, span })),
    };
  }
}
