import assert from "node:assert/strict";
import type { Attributes } from "@opentelemetry/api";
import type { Declaration, Registry } from "$lib/metrics.ts";
import { boundText } from "$lib/metrics/text.ts";
import { CATALOGUE } from "../../docs/generate/catalogue.ts";
import type { ReceivedMetric, ReceivedPoint } from "../fakes/otlp_metrics.ts";
import { INTERVAL_MS, metricsIn, type Pushed, startPushed } from "../fakes/pushed.ts";
import { readSamples } from "./metrics_page.ts";

const PROGRAMS = ["broker", "agent"] as const;
const OWN_SCOPE = "brokkr";

/** The declarations of a program that the registry of a push does not have yet. */
function declarationsOf(program: typeof PROGRAMS[number]): readonly Declaration[] {
  return [...CATALOGUE[program], ...CATALOGUE.both].filter(({ name }) => !name.startsWith("brokkr_metrics_"));
}

/** Moves every metric, each series by something else; open labels have two values. */
function move(registry: Registry, declarations: readonly Declaration[], times: number): void {
  const meter = registry.meterProvider.getMeter(OWN_SCOPE);
  let value = 0;
  for (const declaration of declarations) {
    for (const attributes of labelSets(declaration)) {
      value += 0.37 * times;
      if (declaration.type === "counter") meter.createCounter(declaration.name).add(value, attributes);
      else if (declaration.type === "gauge") meter.createGauge(declaration.name).record(value, attributes);
      else meter.createHistogram(declaration.name).record(value % 20, attributes);
    }
  }
}

function labelSets({ labels }: Declaration): Attributes[] {
  return Object.entries(labels).reduce<Attributes[]>(
    (sets, [name, values]) =>
      sets.flatMap((set) =>
        (values === "text" ? ["one", 'an"other'] : values).map((value) => ({ ...set, [name]: value }))
      ),
    [{}],
  );
}

async function started(program: typeof PROGRAMS[number], temporality: "cumulative" | "delta"): Promise<Pushed> {
  return await startPushed({ temporality, maxPoints: 50 }, {
    prepare: (registry) =>
      registry.register(
        Object.fromEntries(declarationsOf(program).map((declaration) => [declaration.name, declaration])),
      ),
  });
}

/** The page's samples, but what is the page's own. */
async function pageOf({ registry }: Pushed): Promise<ReadonlyMap<string, number>> {
  const ofPage = new Set([...CATALOGUE.both].filter(({ isOfPage }) => isOfPage === true).map(({ name }) => name));
  const samples = readSamples(await registry.page?.("text") ?? "");
  return new Map([...samples].filter(([series]) => !ofPage.has(series.split("{")[0] ?? "")));
}

/** What was pushed as a page has it; of deltas, everything that came added up. */
function pushedSamples(metrics: readonly ReceivedMetric[]): ReadonlyMap<string, number> {
  const samples = new Map<string, number>();
  for (const metric of metrics) {
    for (const point of metric.points) {
      for (const [series, value] of samplesOf(metric, point)) {
        samples.set(series, value + (metric.temporality === "delta" ? samples.get(series) ?? 0 : 0));
      }
    }
  }
  return samples;
}

function* samplesOf({ name, type }: ReceivedMetric, point: ReceivedPoint): Generator<[string, number]> {
  const { labels, bounds, counts, sum, count, value } = point;
  if (type !== "histogram") return yield [seriesText(name, labels), value];
  let below = 0;
  for (const [at, one] of counts.entries()) {
    below += one;
    yield [seriesText(`${name}_bucket`, { ...labels, le: boundText(bounds[at] ?? Infinity) }), below];
  }
  yield [seriesText(`${name}_sum`, labels), sum];
  yield [seriesText(`${name}_count`, labels), count];
}

function seriesText(name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value.replaceAll('"', '\\"')}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
}

/** To twelve digits: what is added up from differences differs in the last ones. */
function rounded(samples: ReadonlyMap<string, number>): readonly string[] {
  return [...samples].map(([series, value]) => `${series} ${Number(value.toPrecision(12))}`).sort();
}

for (const program of PROGRAMS) {
  Deno.test(`everything that the ${program}'s page holds is pushed, with the same values, cumulative`, async () => {
    const pushed = await started(program, "cumulative");
    move(pushed.registry, declarationsOf(program), 1);
    const from = pushed.receiver.requests.length;

    const page = await pageOf(pushed);
    await pushed.next();

    assert.deepEqual(rounded(pushedSamples(metricsIn(pushed.receiver, from))), rounded(page));
  });

  Deno.test(`what is pushed as delta by the ${program} adds up to its page, an outage in between`, async () => {
    const pushed = await started(program, "delta");
    move(pushed.registry, declarationsOf(program), 1);
    await pushed.next();
    const taken = metricsIn(pushed.receiver);
    pushed.receiver.answer = () => new Response(null, { status: 500 });
    move(pushed.registry, declarationsOf(program), 2);
    await pushed.next();
    pushed.receiver.answer = () => new Response();
    move(pushed.registry, declarationsOf(program), 3);
    const from = pushed.receiver.requests.length;

    const page = await pageOf(pushed);
    await pushed.next();

    const samples = pushedSamples([...taken, ...metricsIn(pushed.receiver, from)]);
    assert.deepEqual(rounded(samples), rounded(page));
  });

  Deno.test(`every metric of the ${program} is pushed with the type, unit and start of its declaration`, async () => {
    const pushed = await started(program, "cumulative");
    const startMs = pushed.clock.now();
    move(pushed.registry, declarationsOf(program), 1);
    const from = pushed.receiver.requests.length;
    await pushed.next();

    const wanted = declarationsOf(program).filter(({ isOfPage }) => isOfPage !== true).map((one) => ({
      ...{ scope: OWN_SCOPE, name: one.name, help: one.help, unit: one.type === "histogram" ? one.unit : "" },
      type: one.type === "counter" ? "sum" : one.type,
      isMonotonic: one.type === "counter",
      temporality: one.type === "gauge" ? undefined : "cumulative",
      times: [[startMs, startMs + INTERVAL_MS]],
    }));
    const parts = Map.groupBy(metricsIn(pushed.receiver, from), ({ name }) => name);
    const sent = wanted.map(({ name }) => {
      const [first, ...rest] = parts.get(name) ?? assert.fail(`${name} is not pushed`);
      const times = [first, ...rest].flatMap((metric) =>
        metric?.points.map(({ startMs, endMs }) => [startMs, endMs]) ?? []
      );
      const { points: _, ...head } = first ?? assert.fail(`${name} is not pushed`);
      return { ...head, times: [...new Map(times.map((one) => [String(one), one])).values()] };
    });
    assert.deepEqual(sent, wanted);
  });
}
