import assert from "node:assert/strict";
import { stringify } from "yaml";
import type { Target } from "../prometheus/answers.ts";
import { NAMESPACE, type Place } from "./cluster.ts";
import { secret } from "./kubelet.ts";

interface ServiceMonitor {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly jobLabel: string;
    readonly selector: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly endpoints: readonly Endpoint[];
  };
}

interface Endpoint {
  readonly port: string;
  readonly path: string;
  readonly interval: string;
  readonly scheme?: string;
  readonly tlsConfig?: TlsConfig;
  readonly authorization?: { readonly credentials: { readonly name: string; readonly key: string } };
  readonly relabelings?: readonly Readonly<Record<string, unknown>>[];
}

interface TlsConfig {
  readonly serverName: string;
  readonly ca: { readonly secret: { readonly name: string; readonly key: string } };
}

/** How Prometheus gets from a target that it found to the labels that it gives it. */
type Relabeling = Readonly<Record<string, unknown>>;

/** How a job finds its targets. */
export type Discovery = (job: string) => Readonly<Record<string, unknown>>;

/** By itself, at the API server, as with the operator. */
export function fromApiServer({ control: { url, token, caPath } }: Place): Discovery {
  return () => ({
    kubernetes_sd_configs: [{
      role: "endpoints",
      namespaces: { names: [NAMESPACE] },
      api_server: url,
      authorization: { credentials: token },
      tls_config: { ca_file: caPath },
    }],
  });
}

/** As another Prometheus has found them: for Debian's Prometheus 2, which is built without Kubernetes. */
export function asFound(targets: readonly Target[]): Discovery {
  return (job) => ({
    static_configs: targets.filter(({ scrapePool }) => scrapePool === job).map(({ discoveredLabels }) => ({
      targets: [discoveredLabels["__address__"]],
      labels: Object.fromEntries(Object.entries(discoveredLabels).filter(([name]) => name.startsWith("__meta_"))),
    })),
  });
}

/** What the operator does not know. */
export interface OperatorOptions {
  readonly discovery: Discovery;
  /** Where the addresses that are found lead here. */
  readonly addresses: ReadonlyMap<string, string>;
}

/** The configuration that the Prometheus Operator makes of the namespace's ServiceMonitors. */
export async function operatorConfig(place: Place, options: OperatorOptions): Promise<string> {
  const jobs = (await monitors(place)).flatMap((monitor) =>
    monitor.spec.endpoints.map((endpoint, i) => job(place, { monitor, endpoint, i, ...options }))
  );
  return stringify({ scrape_configs: await Promise.all(jobs) });
}

async function monitors({ admin }: Place): Promise<readonly ServiceMonitor[]> {
  const path = `/apis/monitoring.coreos.com/v1/namespaces/${NAMESPACE}/servicemonitors`;
  return (await admin.request<{ items: readonly ServiceMonitor[] }>("GET", path)).items;
}

interface Job extends OperatorOptions {
  readonly monitor: ServiceMonitor;
  readonly endpoint: Endpoint;
  readonly i: number;
}

async function job(
  place: Place,
  { monitor: { metadata, spec }, endpoint, i, discovery, addresses }: Job,
): Promise<unknown> {
  const { port, path, interval, scheme, tlsConfig, authorization, relabelings = [], ...rest } = endpoint;
  assert.deepEqual(rest, {}, "what is not looked at here must not be there");
  const name = `serviceMonitor/${NAMESPACE}/${metadata.name}/${i}`;
  return {
    job_name: name,
    ...discovery(name),
    metrics_path: path,
    scrape_interval: interval,
    ...(scheme && { scheme }),
    ...(tlsConfig && { tls_config: await verification(place, tlsConfig) }),
    ...(authorization && { authorization: await credentials(place, authorization) }),
    relabel_configs: [
      ...Object.entries(spec.selector.matchLabels).map(keepLabel),
      { action: "keep", source_labels: ["__meta_kubernetes_endpoint_port_name"], regex: port },
      ...labelled(port, spec.jobLabel),
      ...relabelings.map(inSnakeCase),
      ...[...addresses].map(moved),
    ],
  };
}

/** In a file: Debian's Prometheus 2 takes no certificate in its configuration. It goes with the cluster. */
async function verification(place: Place, { serverName, ca, ...rest }: TlsConfig): Promise<unknown> {
  assert.deepEqual(rest, {}, "what is not looked at here must not be there");
  const path = `${place.control.kubeconfigPath}.${ca.secret.name}.crt`;
  await Deno.writeTextFile(path, (await secret(place, ca.secret.name))[ca.secret.key] ?? "");
  return { server_name: serverName, ca_file: path };
}

async function credentials(
  place: Place,
  { credentials: { name, key }, ...rest }: NonNullable<Endpoint["authorization"]>,
): Promise<unknown> {
  return { ...rest, credentials: (await secret(place, name))[key] };
}

function keepLabel([name, value]: readonly [string, string]): Relabeling {
  const suffix = metaName(name);
  const prefix = "__meta_kubernetes_service";
  return {
    action: "keep",
    source_labels: [`${prefix}_label_${suffix}`, `${prefix}_labelpresent_${suffix}`],
    regex: `(${value});true`,
  };
}

/** The labels that the operator gives every target, in its order. */
function labelled(port: string, jobLabel: string): readonly Relabeling[] {
  const target = ["__meta_kubernetes_endpoint_address_target_kind", "__meta_kubernetes_endpoint_address_target_name"];
  const copied = (source: string, label: string) => ({
    source_labels: [`__meta_kubernetes_${source}`],
    target_label: label,
  });
  return [
    { source_labels: target, separator: ";", regex: "Pod;(.*)", replacement: "${1}", target_label: "pod" },
    copied("namespace", "namespace"),
    copied("service_name", "service"),
    copied("pod_name", "pod"),
    copied("pod_container_name", "container"),
    { action: "drop", source_labels: ["__meta_kubernetes_pod_phase"], regex: "(Failed|Succeeded)" },
    copied("service_name", "job"),
    { ...copied(`service_label_${metaName(jobLabel)}`, "job"), regex: "(.+)" },
    { target_label: "endpoint", replacement: port },
  ];
}

/** A field of a ServiceMonitor as Prometheus calls it: `sourceLabels`, `source_labels`. */
function inSnakeCase(relabeling: Relabeling): Relabeling {
  return Object.fromEntries(
    Object.entries(relabeling).map((
      [name, value],
    ) => [name.replace(/[A-Z]/g, (one) => `_${one.toLowerCase()}`), value]),
  );
}

function moved([from, to]: readonly [string, string]): Relabeling {
  return {
    source_labels: ["__address__"],
    regex: from.replaceAll(".", "\\."),
    target_label: "__address__",
    replacement: to,
  };
}

/** A Kubernetes label's name in Prometheus' own. */
function metaName(label: string): string {
  return label.replace(/[^a-zA-Z0-9_]/g, "_");
}
