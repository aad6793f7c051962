import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import type { ChartName } from "../../docs/generate/charts/schema.ts";
import { helm, type HelmAnswer } from "../helm/helm.ts";

/** Values of a chart, as one would write them into a file. */
export type Values = Readonly<Record<string, unknown>>;

/** Labels, or what selects by them. */
export type Labels = Readonly<Record<string, string>>;

/**
 * An object that a chart renders. Whoever looks into it knows of which kind it is: fields of other kinds are not there.
 */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Labels;
    readonly annotations?: Labels;
  };
  readonly data?: Labels;
  readonly spec: PodSpec & {
    readonly replicas?: number;
    readonly ports: readonly { readonly name: string; readonly port: number; readonly targetPort: string }[];
    readonly selector: Selector;
    readonly podSelector: Selector;
    readonly template: { readonly metadata: Rendered["metadata"]; readonly spec: PodSpec };
    readonly endpoints: readonly [{
      readonly port: string;
      readonly path: string;
      readonly relabelings: unknown;
      readonly metricRelabelings?: unknown;
    }];
    readonly groups: readonly { readonly name: string }[];
    readonly ingress: readonly unknown[];
    readonly egress?: readonly unknown[];
    readonly rules: readonly [{
      readonly http?: { readonly paths: readonly { readonly path: string; readonly pathType: string }[] };
      readonly matches?: readonly { readonly path: { readonly type: string; readonly value: string } }[];
    }];
  };
}

/** What finds Pods, or Services; that of a Service is the labels alone. */
export interface Selector {
  readonly matchLabels: Labels;
}

/** What a Pod is made of, as far as tests look. */
export interface PodSpec {
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly [Container, ...unknown[]];
  readonly initContainers?: unknown;
  readonly volumes?: readonly unknown[];
  readonly terminationGracePeriodSeconds: number;
  readonly topologySpreadConstraints?: unknown;
}

/** The one container of a Pod. */
export interface Container {
  readonly image: string;
  readonly args: readonly string[];
  readonly envFrom?: unknown;
  readonly lifecycle?: unknown;
  readonly env: readonly Variable[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: Readonly<Record<string, unknown>>;
}

/** An environment variable of a container. */
export interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef?: { readonly name: string; readonly key: string };
    readonly fieldRef?: { readonly fieldPath: string };
  };
}

/** The name and namespace of every rendered release. */
export const RELEASE = { name: "release", namespace: "place" };

/** The folder of a chart. */
export function chartFolder(chart: ChartName): string {
  return fileURLToPath(new URL(`../../charts/${chart}`, import.meta.url));
}

/** Runs `helm <verb>` on a chart with values in a file, as users give them. */
export async function helmWith(
  values: Values,
  args: readonly string[],
): Promise<HelmAnswer> {
  const file = await Deno.makeTempFile({ prefix: "brokkr-values-", suffix: ".json" });
  try {
    await Deno.writeTextFile(file, JSON.stringify(values));
    return await helm([...args, "--values", file]);
  } finally {
    await Deno.remove(file);
  }
}

/** The values with an image, which the charts require while none is published. */
export function withImage(chart: ChartName, values: Values): Values {
  return { ...values, image: { repository: chart, ...values.image as Values | undefined } };
}

/** What `helm template` says, refusals too; of an image unless `values` name one. */
export function template(chart: ChartName, values: Values, flags: readonly string[] = []): Promise<HelmAnswer> {
  const args = ["template", RELEASE.name, chartFolder(chart), "--namespace", RELEASE.namespace, ...flags];
  return helmWith(withImage(chart, values), args);
}

/** What a chart renders, by kind and name. */
export async function render(chart: ChartName, values: Values): Promise<readonly Rendered[]> {
  const { code, stdout, stderr } = await template(chart, values);
  assert.equal(code, 0, stderr);
  const objects = parseAllDocuments(stdout).map((document) => document.toJS() as Rendered | null);
  const name = ({ kind, metadata }: Rendered) => `${kind} ${metadata.namespace ?? ""} ${metadata.name}`;
  return objects.filter((one) => one !== null).sort((left, right) => name(left) < name(right) ? -1 : 1);
}

/** The rendered object of a kind whose name ends so; fails when there is none. */
export function the(objects: readonly Rendered[], kind: string, nameEnd = ""): Rendered {
  const found = objects.find((one) => one.kind === kind && one.metadata.name.endsWith(nameEnd));
  assert.ok(found !== undefined, `the chart must render a ${kind} "…${nameEnd}"`);
  return found;
}
