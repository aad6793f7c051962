import { allDeclarations } from "../../docs/generate/catalogue.ts";
import type { Declaration, LabelValues } from "$lib/metrics.ts";
import { STORE_METRICS } from "../../broker/metrics.ts";
import { checkPromql } from "./check.ts";
import { alertRules, recordingRules } from "./rule_files.ts";

/** A metric as PromQL names it: a histogram is three of them. */
export interface KnownMetric {
  readonly isCounter: boolean;
  /** Read from the store by every replica, so that a sum over replicas would be wrong. */
  readonly isOfStore: boolean;
  readonly labels: ReadonlyMap<string, LabelValues>;
}

/** Every metric that an expression may name, by name. */
export type Vocabulary = ReadonlyMap<string, KnownMetric>;

/** Labels that Prometheus, its operator or who runs it puts on every series. */
export const OUTSIDE_LABELS = ["cluster", "job", "instance", "namespace", "pod", "service"] as const;

/** What is declared, and `up`. */
export function declaredVocabulary(declarations: readonly Declaration[] = allDeclarations()): Vocabulary {
  return new Map([["up", gauge(outside())], ...declarations.flatMap(metricsOf)]);
}

/** What is declared, what the charts' rules record of it, and the alerts themselves. */
export function fullVocabulary(): Vocabulary {
  const vocabulary = new Map(declaredVocabulary());
  for (const { record, expr, labels = {} } of recordingRules()) {
    const left = [...checkPromql(expr, vocabulary).labels, ...Object.keys(labels)];
    vocabulary.set(record, gauge(left.map((label) => [label, "text"])));
  }
  return vocabulary.set("ALERTS", gauge(labelsOfAlerts()));
}

/** Prometheus's own series of what is pending or fires has the labels of each alert. */
function labelsOfAlerts(): [string, LabelValues][] {
  const rules = alertRules();
  return [
    ...outside(),
    ["alertname", rules.map(({ alert }) => alert)],
    ["alertstate", ["pending", "firing"]],
    ["severity", ["warning", "critical"]],
  ];
}

function gauge(labels: Iterable<[string, LabelValues]>): KnownMetric {
  return { isCounter: false, isOfStore: false, labels: new Map(labels) };
}

function outside(): [string, LabelValues][] {
  return OUTSIDE_LABELS.map((label) => [label, "text"]);
}

function metricsOf(declaration: Declaration): [string, KnownMetric][] {
  const { name, type } = declaration;
  const labels = [...outside(), ...Object.entries(declaration.labels)];
  const isOfStore = Object.values(STORE_METRICS).some((one) => one.name === name);
  const known = { isCounter: type !== "gauge", isOfStore, labels: new Map(labels) };
  if (declaration.type !== "histogram") return [[name, known]];
  const le: [string, LabelValues] = ["le", [...declaration.buckets.map(boundText), "+Inf"]];
  return [
    [`${name}_bucket`, { ...known, labels: new Map([...labels, le]) }],
    [`${name}_sum`, known],
    [`${name}_count`, known],
  ];
}

/** A bound as the page writes it: `1.0`, `0.005`. */
function boundText(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : String(bound);
}
