import {
  type Attributes,
  type Context,
  type Counter,
  type Gauge,
  type Histogram,
  ROOT_CONTEXT,
  type SpanContext,
  trace,
} from "@opentelemetry/api";
import { SeriesFamily } from "$lib/metrics/families.ts";

/** A counter with its attributes: one series of it, kept by whoever counts. */
export interface BoundCounter {
  /** Adds `value` (1 when left out); less than 0 is not counted. */
  add(value?: number): void;
}
/** A gauge with its attributes: one series of it. */
export interface BoundGauge {
  record(value: number): void;
}
/** A histogram with its attributes: one set of buckets, a sum and a count. */
export interface BoundHistogram {
  /**
   * Records one observation, in the instrument's unit; less than 0 is not counted. Where a sampled span made it, the
   * page shows it as that span's exemplar.
   */
  record(value: number, span?: SpanContext): void;
}

type AttributesOf<A extends Attributes> = keyof A extends never ? [] : [attributes: A];

/**
 * Binds attributes to an instrument, as OpenTelemetry's specification has it and its JavaScript API does not yet: a
 * declared metric gives its series, which costs nanoseconds to record in; of any other instrument, attributes are kept.
 */
export function bound<A extends Attributes>(counter: Counter<A>, ...attributes: AttributesOf<A>): BoundCounter;
/** Binds attributes to a histogram or a gauge, as to a counter. */
export function bound<A extends Attributes>(
  instrument: Histogram<A> | Gauge<A>,
  ...attributes: AttributesOf<A>
): BoundHistogram & BoundGauge;
/** Binds attributes to any instrument. */
export function bound(
  instrument: Counter | Histogram | Gauge,
  attributes: Attributes = {},
): BoundCounter | BoundHistogram {
  if (instrument instanceof SeriesFamily) return instrument.bind(attributes);
  return "add" in instrument
    ? { add: (value = 1) => instrument.add(value, attributes) }
    : { record: (value: number, span?: SpanContext) => instrument.record(value, attributes, contextOf(span)) };
}

/** The context of a measurement that a span made, as the API's instruments take it. */
function contextOf(span: SpanContext | undefined): Context | undefined {
  return span && trace.setSpanContext(ROOT_CONTEXT, span);
}

/**
 * Takes a declared metric's series off the page: that of `attributes`, all of them when left out. A bound instrument of
 * it that was kept moves nothing any more. An instrument that is not ours has no such thing, and stays as it is.
 */
export function forget<A extends Attributes>(instrument: Counter<A> | Histogram<A> | Gauge<A>, attributes?: A): void {
  if (!(instrument instanceof SeriesFamily)) return;
  if (attributes === undefined) instrument.clear();
  else instrument.remove(attributes);
}
