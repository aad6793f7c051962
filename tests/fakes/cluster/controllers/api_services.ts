import { at, isJsonObject, objectOr } from "../json.ts";
import type { KubeObject } from "../objects.ts";
import type { Parts } from "../parts.ts";
import type { OtherServer } from "../registry.ts";
import { withConditions } from "./conditions.ts";
import { changeStatus } from "./controller_writes.ts";

/**
 * Registers the APIs of other servers. One is there whose Service is an `ExternalName`; lists and discovery of all
 * others are answered with 503.
 */
export function registerApiServices(parts: Parts): void {
  const services = parts.store.list(parts.registry.builtIn("apiservices"))
    .filter((service) => isJsonObject(at(service, "spec", "service")));
  parts.registry.aggregate(services.map((service) => ({
    group: String(at(service, "spec", "group")),
    version: String(at(service, "spec", "version")),
    server: serverOf(parts, service),
  })));
  for (const service of services) {
    const conditions = withConditions(at(service, "status", "conditions"), [{
      type: "Available",
      ...(serverOf(parts, service) === undefined
        ? { status: "False", ...whyUnavailable(parts, service) }
        : { status: "True", reason: "Passed", message: "all checks passed" }),
    }]);
    changeStatus(parts, service, { ...objectOr(service.status), conditions }, "kube-apiserver");
  }
}

function serverOf(parts: Parts, service: KubeObject): OtherServer | undefined {
  const { name, namespace, port } = objectOr(at(service, "spec", "service"));
  const found = parts.store.find(parts.registry.builtIn("services"), String(namespace), String(name));
  const host = found && at(found, "spec", "externalName");
  if (typeof host !== "string") return undefined;
  return { url: `https://${host}:${port}`, authority: atob(String(at(service, "spec", "caBundle"))) };
}

function whyUnavailable(parts: Parts, service: KubeObject): { reason: string; message: string } {
  const { name, namespace } = objectOr(at(service, "spec", "service"));
  const found = parts.store.find(parts.registry.builtIn("services"), String(namespace), String(name));
  const called = `service/${name} in "${namespace}"`;
  if (found === undefined) return { reason: "ServiceNotFound", message: `${called} is not present` };
  return { reason: "MissingEndpoints", message: `endpoints for ${called} have no addresses` };
}
