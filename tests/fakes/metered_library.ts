import type { MeterProvider } from "@opentelemetry/api";

/** What a library of somebody else's does, which knows OpenTelemetry's API and nothing of whose it is given. */
export interface MeteredLibrary {
  /** Sells one thing, which took so many seconds. */
  sell(what: string, seconds: number): void;
}

/** A library that is handed a meter provider: its metrics are of every kind that there is. */
export function meteredLibrary(meterProvider: MeterProvider, stock: () => number): MeteredLibrary {
  const meter = meterProvider.getMeter("shop", "2.0.0");
  const sold = meter.createCounter("shop.sold", { description: "Things sold.", unit: "{thing}" });
  const duration = meter.createHistogram("shop.duration", {
    ...{ description: "How long a sale took.", unit: "s" },
    advice: { explicitBucketBoundaries: [1, 5] },
  });
  const open = meter.createUpDownCounter("shop.open", { description: "Sales under way." });
  const level = meter.createObservableGauge("shop.stock", { description: "Things in stock." });
  level.addCallback((result) => result.observe(stock()));
  return {
    sell(what, seconds) {
      open.add(1);
      sold.add(1, { what });
      duration.record(seconds, { what });
      open.add(-1);
    },
  };
}
