import { isJsonObject, type Json, type JsonObject, objectOr } from "./json.ts";

const POD: JsonObject = {
  restartPolicy: "Always",
  terminationGracePeriodSeconds: 30,
  dnsPolicy: "ClusterFirst",
  securityContext: {},
  schedulerName: "default-scheduler",
};

const CONTAINER: JsonObject = {
  resources: {},
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
};

/** The volume types whose files get a mode. */
const WITH_MODE = ["configMap", "secret", "downwardAPI", "projected"];

const PROBE: JsonObject = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 };

/** A pod's spec with what the server fills in. */
export function podSpec(spec: Json | undefined): JsonObject {
  const filled = filledIn(spec, POD);
  const account = filled.serviceAccountName ?? filled.serviceAccount; // one by two names
  if (account !== undefined) Object.assign(filled, { serviceAccountName: account, serviceAccount: account });
  if (Array.isArray(filled.volumes)) filled.volumes = filled.volumes.map(volume);
  if (Array.isArray(filled.containers)) filled.containers = filled.containers.map(container);
  if (Array.isArray(filled.initContainers)) filled.initContainers = filled.initContainers.map(container);
  return filled;
}

function container(value: Json): JsonObject {
  const image = String(objectOr(value).image ?? "");
  const isLatest = image.endsWith(":latest") || !image.split("/").at(-1)?.includes(":");
  const filled = filledIn(value, { ...CONTAINER, imagePullPolicy: isLatest ? "Always" : "IfNotPresent" });
  if (Array.isArray(filled.env)) filled.env = filled.env.map(variable);
  for (const field of ["livenessProbe", "readinessProbe", "startupProbe"]) {
    if (isJsonObject(filled[field])) filled[field] = probe(filled[field]);
  }
  if (Array.isArray(filled.ports)) filled.ports = filled.ports.map((port) => filledIn(port, { protocol: "TCP" }));
  return filled;
}

function variable(value: Json): JsonObject {
  const source = objectOr(objectOr(value).valueFrom);
  if (isJsonObject(source.resourceFieldRef)) {
    const resourceFieldRef = filledIn(source.resourceFieldRef, { divisor: "0" });
    return { ...objectOr(value), valueFrom: { ...source, resourceFieldRef } };
  }
  if (!isJsonObject(source.fieldRef)) return objectOr(value);
  const fieldRef = filledIn(source.fieldRef, { apiVersion: "v1" });
  return { ...objectOr(value), valueFrom: { ...source, fieldRef } };
}

function probe(value: JsonObject): JsonObject {
  const filled = filledIn(value, PROBE);
  if (isJsonObject(filled.httpGet)) filled.httpGet = filledIn(filled.httpGet, { path: "/", scheme: "HTTP" });
  return filled;
}

function volume(value: Json): JsonObject {
  const filled = { ...objectOr(value) };
  for (const type of WITH_MODE) {
    if (isJsonObject(filled[type])) filled[type] = filledIn(filled[type], { defaultMode: 420 });
  }
  if (isJsonObject(filled.hostPath)) filled.hostPath = filledIn(filled.hostPath, { type: "" });
  const hasSource = Object.keys(filled).some((field) => field !== "name");
  return hasSource ? filled : { ...filled, emptyDir: {} };
}

/** The value with the fields that only the defaults have, at any depth. */
export function filledIn(value: Json | undefined, defaults: JsonObject): JsonObject {
  const filled = { ...objectOr(value) };
  for (const [field, wanted] of Object.entries(defaults)) {
    const present = filled[field];
    if (present === undefined) filled[field] = wanted;
    else if (isJsonObject(wanted) && isJsonObject(present)) filled[field] = filledIn(present, wanted);
  }
  return filled;
}
