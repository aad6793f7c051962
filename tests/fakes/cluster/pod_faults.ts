import { prohibited } from "./causes.ts";
import type { Cause } from "./failure.ts";
import { isJsonObject, type Json, type JsonObject, listOr, objectOr } from "./json.ts";

const PROBES = ["livenessProbe", "readinessProbe", "startupProbe"];
const HANDLERS = ["exec", "grpc", "httpGet", "tcpSocket"];

/** What is wrong with a pod's specification in fields of which it has several where it may have one, or none. */
export function podFaults(spec: Json | undefined, field: string): readonly Cause[] {
  const { volumes, containers } = objectOr(spec);
  return [
    ...listOr(volumes).flatMap((volume, index) => volumeFaults(objectOr(volume), `${field}.volumes[${index}]`)),
    ...listOr(containers).flatMap((one, index) => probeFaults(objectOr(one), `${field}.containers[${index}]`)),
  ];
}

/** The first of several types, in the order in which the server looks, is the one that may stay. */
function volumeFaults(volume: JsonObject, field: string): readonly Cause[] {
  const [, ...more] = Object.keys(volume).filter((name) => name !== "name").sort();
  return more.map((name) => prohibited(`${field}.${name}`, "may not specify more than 1 volume type"));
}

function probeFaults(container: JsonObject, field: string): readonly Cause[] {
  return PROBES.filter((name) => {
    const probe = container[name];
    return isJsonObject(probe) && !HANDLERS.some((handler) => isJsonObject(probe[handler]));
  }).map((name) => ({
    reason: "FieldValueRequired",
    message: "Required value: must specify a handler type",
    field: `${field}.${name}`,
  }));
}
