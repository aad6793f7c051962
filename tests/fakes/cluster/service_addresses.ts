import { wrong } from "./causes.ts";
import { ApiFailure, type Cause } from "./failure.ts";
import { at, type Json, type JsonObject, listOr, objectOr } from "./json.ts";
import type { KubeObject } from "./objects.ts";

const FAMILIES = { ipFamilies: ["IPv4"], ipFamilyPolicy: "SingleStack" };

/** What another Service has of the ports of the node that this one names. */
export function takenPorts(service: KubeObject, others: Iterable<KubeObject>): Cause[] {
  const taken = nodePortsOf([...others]);
  return listOr(at(service, "spec", "ports")).flatMap((port, index) => {
    const nodePort = at(port, "nodePort");
    if (nodePort === undefined || !taken.has(nodePort)) return [];
    return [wrong(`spec.ports[${index}].nodePort`, nodePort, "provided port is already allocated")];
  });
}

/**
 * A new Service with an address of the cluster, and a port of the node for each of its ports where its type wants them.
 */
export function withAddresses(service: KubeObject, others: Iterable<KubeObject>): KubeObject {
  const spec: JsonObject = objectOr(service.spec);
  if (spec.type === "ExternalName") return service;
  const all = [...others];
  const clusterIP = spec.clusterIP ?? freeAddress(all);
  return withNodePorts({ ...service, spec: { ...FAMILIES, ...spec, clusterIP, clusterIPs: [clusterIP] } }, all);
}

/** A changed Service with the addresses that it has already, where the client left them out. */
export function withKeptAddresses(service: KubeObject, before: KubeObject, others: Iterable<KubeObject>): KubeObject {
  const old = objectOr(before.spec);
  const spec = objectOr(service.spec);
  if (spec.type === "ExternalName" || old.clusterIP === undefined) return service;
  const ports = listOr(spec.ports).map((port) => {
    const same = listOr(old.ports).map(objectOr).find((other) => other.port === objectOr(port).port);
    return same?.nodePort === undefined ? port : { nodePort: same.nodePort, ...objectOr(port) };
  });
  const kept: JsonObject = {};
  for (const field of ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"]) {
    kept[field] = spec[field] ?? old[field];
  }
  return withNodePorts({ ...service, spec: { ...spec, ...kept, ports } }, [...others]);
}

function freeAddress(services: readonly KubeObject[]): string {
  const taken = new Set(services.map((other) => at(other, "spec", "clusterIP")));
  for (let number = 2; number < 65_536; number++) {
    const address = `10.96.${number >> 8}.${number & 255}`;
    if (!taken.has(address)) return address;
  }
  throw new ApiFailure(500, "InternalError", "Internal error occurred: failed to allocate a serviceIP: range is full");
}

function withNodePorts(service: KubeObject, others: readonly KubeObject[]): KubeObject {
  const spec = objectOr(service.spec);
  if (spec.type !== "NodePort" && spec.type !== "LoadBalancer") return service;
  const taken = nodePortsOf(others);
  const ports = listOr(spec.ports).map(objectOr).map((port) => {
    let nodePort = Number(port.nodePort ?? 30_000);
    while (port.nodePort === undefined && taken.has(nodePort)) nodePort += 1;
    taken.add(nodePort);
    return { ...port, nodePort };
  });
  return { ...service, spec: { ...spec, ports } };
}

function nodePortsOf(services: readonly KubeObject[]): Set<Json | undefined> {
  return new Set(services.flatMap((one) => listOr(at(one, "spec", "ports"))).map((port) => at(port, "nodePort")));
}
