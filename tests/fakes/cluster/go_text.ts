import { isJsonObject, type Json, type JsonObject } from "./json.ts";

/** What the server's own structs write although it is empty: it makes a refused Job template some 3 KB long. */
const POD_NULLS = [
  ...[
    "Volumes",
    "InitContainers",
    "EphemeralContainers",
    "ActiveDeadlineSeconds",
    "NodeSelector",
    "ServiceAccountName",
  ],
  ...["AutomountServiceAccountToken", "NodeName", "ImagePullSecrets", "Hostname", "Subdomain", "SetHostnameAsFQDN"],
  ...["Affinity", "Tolerations", "HostAliases", "PriorityClassName", "Priority", "PreemptionPolicy", "DNSConfig"],
  ...["ReadinessGates", "RuntimeClassName", "Overhead", "EnableServiceLinks", "TopologySpreadConstraints", "OS"],
  ...["SchedulingGates", "ResourceClaims", "Resources"],
];

const CONTAINER_NULLS = [
  ...["Command", "Args", "WorkingDir", "Ports", "EnvFrom", "Env", "ResizePolicy", "RestartPolicy", "VolumeMounts"],
  ...["VolumeDevices", "LivenessProbe", "ReadinessProbe", "StartupProbe", "Lifecycle", "SecurityContext"],
];

/** A value as a struct of the server's own types is shown: names with capitals, and nulls for all that is not set. */
export function goStruct(value: Json): string {
  return JSON.stringify(capitalised(value));
}

function capitalised(value: Json): Json {
  if (Array.isArray(value)) return value.map(capitalised);
  if (!isJsonObject(value)) return value;
  const shown: JsonObject = {};
  for (const [field, inner] of Object.entries(value)) {
    if (inner !== undefined) shown[`${field.slice(0, 1).toUpperCase()}${field.slice(1)}`] = capitalised(inner);
  }
  const nulls = "Containers" in shown ? POD_NULLS : "Image" in shown ? CONTAINER_NULLS : [];
  return { ...Object.fromEntries(nulls.map((field) => [field, null])), ...shown };
}

/** The lines in which two values differ, as a unified diff shows its first hunk. */
export function hunk(before: Json, after: Json): string {
  const [old, now] = [before, after].map((value) => JSON.stringify(capitalised(value), undefined, 1).split("\n"));
  if (old === undefined || now === undefined) return "";
  const start = old.findIndex((line, index) => line !== now[index]);
  const end = [...old].reverse().findIndex((line, index) => line !== now.at(-1 - index));
  const gone = old.slice(start, old.length - end).map((line) => `-${line}`);
  const come = now.slice(start, now.length - end).map((line) => `+${line}`);
  return `@@ -${start + 1},${gone.length} +${start + 1},${come.length} @@\n${[...gone, ...come].join("\n")}\n`;
}
