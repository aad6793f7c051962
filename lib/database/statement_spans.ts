import { type Attributes, type SpanContext, SpanKind } from "@opentelemetry/api";
import type { SqlValue } from "$lib/database.ts";
import type { Span, Tracing } from "$lib/tracing.ts";
import { isFragment } from "./operation.ts";
import { describeStatement, type StatementDescription } from "./statement_description.ts";

const SYSTEM = { "db.system.name": "postgresql" };

/** Spans of what the door sends, as OpenTelemetry's conventions for databases have them: for sampled work alone. */
export class StatementSpans {
  readonly #tracing: Pick<Tracing, "current"> | undefined;
  /** Of statements without fragments, which always say the same. */
  readonly #known = new WeakMap<TemplateStringsArray, StatementDescription>();

  constructor(tracing: Pick<Tracing, "current"> | undefined) {
    this.#tracing = tracing;
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
    return inside(parent, { name, attributes }, run);
  }

  /** Begins or commits a transaction. */
  ofStep<T>(step: "begin" | "commit", run: (span?: SpanContext) => Promise<T>): Promise<T> {
    const parent = this.#tracing?.current();
    if (parent === undefined) return run();
    const name = step.toUpperCase();
    return inside(parent, { name, attributes: { "db.operation.name": name } }, run);
  }

  #describe(piece: TemplateStringsArray, values: readonly SqlValue[]): StatementDescription {
    if (values.some(isFragment)) return describeStatement(piece, values);
    const known = this.#known.get(piece) ?? describeStatement(piece, values);
    this.#known.set(piece, known);
    return known;
  }
}

async function inside<T>(
  parent: Span,
  { name, attributes }: { readonly name: string; readonly attributes: Attributes },
  run: (span: SpanContext) => Promise<T>,
): Promise<T> {
  const span = parent.begin(name, { kind: SpanKind.CLIENT, attributes: { ...SYSTEM, ...attributes } });
  try {
    const result = await run(span.context);
    span.end();
    return result;
  } catch (error) {
    span.end({ error });
    throw error;
  }
}
