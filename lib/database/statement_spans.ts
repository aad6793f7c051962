import { type Attributes, type SpanContext, SpanKind } from "@opentelemetry/api";
import type { SqlValue } from "$lib/database.ts";
import { endAfter, type Span, type Tracing } from "$lib/tracing.ts";
import { isFragment } from "./operation.ts";
import { describeStatement, type StatementDescription } from "./statement_description.ts";

/** What spans of statements are made of. */
export interface StatementSpansParts {
  /** Nothing is traced when left out. */
  readonly tracing?: Pick<Tracing, "current"> | undefined;
  /** What is to be said of the server, as it is now; left out: nothing. */
  readonly server?: () => Attributes;
}

/** Spans of what the door sends, as OpenTelemetry's conventions for databases have them: for sampled work alone. */
export class StatementSpans {
  readonly #tracing: Pick<Tracing, "current"> | undefined;
  readonly #server: () => Attributes;
  /** Of statements without fragments, which always say the same. */
  readonly #known = new WeakMap<TemplateStringsArray, StatementDescription>();

  constructor({ tracing, server = () => ({}) }: StatementSpansParts) {
    this.#tracing = tracing;
    this.#server = server;
  }

  /** Runs a statement, inside a span of its own where it is one of sampled work; its values go nowhere. */
  ofStatement<T>(
    piece: TemplateStringsArray,
    values: readonly SqlValue[],
    run: (span?: SpanContext) => Promise<T>,
  ): Promise<T> {
    const parent = this.#tracing?.current();
    if (parent === undefined) return run();
    const { name, attributes } = this.#describe(piece, values);
    return this.#inside(parent, { name, attributes }, run);
  }

  /** Begins or commits a transaction. */
  ofStep<T>(step: "begin" | "commit", run: (span?: SpanContext) => Promise<T>): Promise<T> {
    const parent = this.#tracing?.current();
    if (parent === undefined) return run();
    const name = step.toUpperCase();
    return this.#inside(parent, { name, attributes: { "db.operation.name": name } }, run);
  }

  #describe(piece: TemplateStringsArray, values: readonly SqlValue[]): StatementDescription {
    if (values.some(isFragment)) return describeStatement(piece, values);
    const known = this.#known.get(piece) ?? describeStatement(piece, values);
    this.#known.set(piece, known);
    return known;
  }

  #inside<T>(
    parent: Span,
    { name, attributes }: StatementDescription,
    run: (span: SpanContext) => Promise<T>,
  ): Promise<T> {
    const about = { "db.system.name": "postgresql", ...this.#server(), ...attributes };
    const span = parent.begin(name, { kind: SpanKind.CLIENT, attributes: about });
    return endAfter(span, () => run(span.context), (error) => {
      const status = sqlStateOf(error);
      if (status !== undefined) span.set({ "db.response.status_code": status });
      return { error };
    });
  }
}

/** The server's own code of a failure, where it was the server that refused. */
function sqlStateOf(error: unknown): string | undefined {
  const { cause = error } = error instanceof Error ? error : {};
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
