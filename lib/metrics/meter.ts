import { type Counter, type Gauge, type Histogram, type Meter, type MetricOptions } from "@opentelemetry/api";
import type { Declaration, InstrumentOf } from "$lib/metrics/declaration.ts";
import {
  CounterFamily,
  type FamilyParts,
  GaugeFamily,
  HistogramFamily,
  type SeriesFamily,
} from "$lib/metrics/families.ts";

/** The scope whose instruments are declared as data. */
export const OWN_SCOPE = "brokkr";

/**
 * The meter of declared metrics: it gives the instrument of a name that is declared, with the unit, the buckets and the
 * labels of its declaration, and refuses any other name, so that nothing is on the page that no document knows.
 */
export class DeclaredMeter implements Meter {
  readonly #families = new Map<string, SeriesFamily>();
  readonly #parts: FamilyParts;

  constructor(parts: FamilyParts) {
    this.#parts = parts;
  }

  /** In the order of their declaration. */
  get families(): readonly SeriesFamily[] {
    return [...this.#families.values()];
  }

  /** @throws {Error} When Prometheus would refuse the declaration, or its name is taken. */
  declare(declaration: Declaration): void {
    const { name } = declaration;
    if (this.#families.has(name)) throw new Error(`Cannot register "${name}": the name is taken`);
    this.#families.set(name, familyOf(declaration, this.#parts));
  }

  createCounter(name: string): Counter {
    return this.#find(name, CounterFamily, "counter");
  }

  createGauge(name: string): Gauge {
    return this.#find(name, GaugeFamily, "gauge");
  }

  createHistogram(name: string): Histogram {
    return this.#find(name, HistogramFamily, "histogram");
  }

  createUpDownCounter(name: string): never {
    return undeclared(name, "up-down counter");
  }

  createObservableCounter(name: string): never {
    return undeclared(name, "observable counter");
  }

  createObservableGauge(name: string): never {
    return undeclared(name, "observable gauge");
  }

  createObservableUpDownCounter(name: string): never {
    return undeclared(name, "observable up-down counter");
  }

  addBatchObservableCallback(): void {}

  removeBatchObservableCallback(): void {}

  #find<F extends SeriesFamily>(name: string, Type: abstract new (...parts: never) => F, type: string): F {
    const family = this.#families.get(name);
    return family instanceof Type ? family : undeclared(name, type);
  }
}

function undeclared(name: string, type: string): never {
  throw new Error(`Cannot create the ${type} "${name}": the scope "${OWN_SCOPE}" declares none of that name`);
}

function familyOf(declaration: Declaration, parts: FamilyParts): SeriesFamily {
  if (declaration.type === "counter") return new CounterFamily(declaration, parts);
  if (declaration.type === "gauge") return new GaugeFamily(declaration, parts);
  return new HistogramFamily(declaration, parts);
}

/** Has a meter make the instrument of a declaration. */
export function createInstrument<D extends Declaration>(meter: Meter, declaration: D): InstrumentOf<D> {
  return ofType(meter, declaration) as InstrumentOf<D>; // the type of a declaration says which of the three it is
}

function ofType(meter: Meter, declaration: Declaration): Counter | Gauge | Histogram {
  const { name, help } = declaration;
  const options: MetricOptions = { description: help };
  if (declaration.type === "counter") return meter.createCounter(name, options);
  if (declaration.type === "gauge") return meter.createGauge(name, options);
  const { unit, buckets } = declaration;
  return meter.createHistogram(name, { ...options, unit, advice: { explicitBucketBoundaries: [...buckets] } });
}
