import { isMapping } from "$lib/json.ts";
import { groupKindText, groupOf } from "../names.ts";

type Fields = Readonly<Record<string, unknown>>;

const TEMPLATE = ["spec", "template", "spec"];
/** Where objects of a kind say what their Pods are. */
const POD_SPECS: Readonly<Record<string, readonly string[]>> = {
  "Pod": ["spec"],
  "PodTemplate": ["template", "spec"],
  "ReplicationController": TEMPLATE,
  "DaemonSet.apps": TEMPLATE,
  "Deployment.apps": TEMPLATE,
  "ReplicaSet.apps": TEMPLATE,
  "StatefulSet.apps": TEMPLATE,
  "Job.batch": TEMPLATE,
  "CronJob.batch": ["spec", "jobTemplate", ...TEMPLATE],
};

/**
 * A manifest in which Pods name their ServiceAccount by the one name that counts. `serviceAccount` is an older one: the
 * API server reads it where `serviceAccountName` is not there, and fills in that, so that no change of the older one
 * alone would ever come to anything.
 */
export function withAccountNames(object: Fields): Fields {
  const { apiVersion, kind } = object;
  if (typeof apiVersion !== "string" || typeof kind !== "string") return object;
  const path = POD_SPECS[groupKindText({ group: groupOf(apiVersion), kind })];
  return path === undefined ? object : changedAt(object, path) as Fields;
}

function changedAt(value: unknown, [first, ...path]: readonly string[]): unknown {
  if (!isMapping(value)) return value;
  if (first === undefined) return withAccountName(value);
  const [before, after] = [value[first], changedAt(value[first], path)];
  return before === after ? value : { ...value, [first]: after };
}

/** What is no text is for the API server to refuse. */
function withAccountName(pod: Fields): Fields {
  const { serviceAccount, ...rest } = pod;
  if (typeof serviceAccount !== "string") return pod;
  return isNone(rest.serviceAccountName) ? { ...rest, serviceAccountName: serviceAccount } : rest;
}

function isNone(name: unknown): boolean {
  return name === undefined || name === null || name === "";
}
