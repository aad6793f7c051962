import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { cacheFolder } from "../../cluster/binaries.ts";

/** The Go module beside this file, which names the versions. */
export const MODULE = fileURLToPath(new URL(".", import.meta.url));
/** Where the Prometheus Operator's types are. */
export const OPERATOR = "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring";
/** Where the Gateway API's types are, with the definitions made of them. */
export const GATEWAY = "sigs.k8s.io/gateway-api";

/** The files of the definitions of every kind that the charts render and Kubernetes does not know. */
export const DEFINITIONS = {
  ServiceMonitor: "monitoring.coreos.com_servicemonitors.yaml",
  PodMonitor: "monitoring.coreos.com_podmonitors.yaml",
  PrometheusRule: "monitoring.coreos.com_prometheusrules.yaml",
  HTTPRoute: "gateway.networking.k8s.io_httproutes.yaml",
} as const;

/** Where this checkout's definitions are kept once `deno task setup` has made them. */
export function definitionsFolder(): string {
  const module = readFileSync(`${MODULE}go.mod`, "utf8");
  const versions = [OPERATOR, GATEWAY].map((path) => versionOf(path, module)).join("-");
  const hash = createHash("sha256").update(module).update(readFileSync(`${MODULE}go.sum`))
    .update(Object.values(DEFINITIONS).join()).digest("hex");
  return `${cacheFolder()}/crds-${versions}-${hash.slice(0, 12)}`;
}

/** The paths of the definitions; `undefined` when one is not on this machine. Only looks whether files exist. */
export function locateDefinitions(): readonly string[] | undefined {
  const folder = definitionsFolder();
  const paths = Object.values(DEFINITIONS).map((file) => `${folder}/${file}`);
  return paths.every((path) => existsSync(path)) ? paths : undefined;
}

function versionOf(path: string, module: string): string {
  const line = module.split("\n").map((one) => one.trim().split(" ")).find(([name]) => name === path);
  if (line?.[1] === undefined) throw new Error(`Cannot find the version of ${path}: go.mod does not name it`);
  return line[1].replace(/^v/, "");
}
