import type { Cause } from "./failure.ts";
import type { KubeObject } from "./objects.ts";
import type { ResourceType } from "./resources.ts";

const LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const VALUE = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
const NAME_PART = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const ANNOTATIONS_LIMIT_BYTES = 262_144;

/** What is wrong with the name, the labels and the annotations of an object. */
export function metadataFaults(type: ResourceType, object: KubeObject): Cause[] {
  const { name, labels = {}, annotations = {} } = object.metadata;
  return [
    ...nameFaults(type, name),
    ...Object.entries(labels).flatMap(labelFaults),
    ...Object.keys(annotations).flatMap((key) => keyFaults("metadata.annotations", key.toLowerCase())),
    ...annotationSizeFaults(annotations),
  ];
}

function nameFaults(type: ResourceType, name: string): Cause[] {
  if (name === "") {
    const message = "Required value: name or generateName is required";
    return [{ reason: "FieldValueRequired", message, field: "metadata.name" }];
  }
  if (type.group === "rbac.authorization.k8s.io") {
    return /[/%]/.test(name) ? [wrong("metadata.name", name, "may not contain '/'")] : [];
  }
  const isLabel = type.group === "" && (type.kind === "Namespace" || type.kind === "Service");
  if (isLabel && name.includes(".")) return [wrong("metadata.name", name, "must not contain dots")];
  const limit = isLabel ? 63 : 253;
  if (name.length > limit) return [wrong("metadata.name", name, `must be no more than ${limit} bytes`)];
  const pattern = isLabel ? LABEL : SUBDOMAIN;
  return new RegExp(`^${pattern}$`).test(name) ? [] : [wrong("metadata.name", name, nameRule(isLabel))];
}

function nameRule(isLabel: boolean): string {
  if (isLabel) {
    return "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and " +
      `end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${LABEL}')`;
  }
  return "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must " +
    `start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`;
}

function labelFaults([key, value]: [string, string]): Cause[] {
  const keys = keyFaults("metadata.labels", key);
  if (value.length > 63) return [...keys, wrong("metadata.labels", value, "must be no more than 63 bytes")];
  if (new RegExp(`^${VALUE}$`).test(value)) return keys;
  const rule =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must " +
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for " +
    `validation is '${VALUE}')`;
  return [...keys, wrong("metadata.labels", value, rule)];
}

function keyFaults(field: string, key: string): Cause[] {
  const [name = "", prefix] = key.split("/").reverse();
  const isName = name.length <= 63 && new RegExp(`^${NAME_PART}$`).test(name);
  const isPrefix = prefix === undefined || new RegExp(`^${SUBDOMAIN}$`).test(prefix);
  if (isName && isPrefix && key.split("/").length <= 2) return [];
  const rule = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is " +
    `'${NAME_PART}')`;
  return [wrong(field, key, rule)];
}

function annotationSizeFaults(annotations: Record<string, string>): Cause[] {
  const encoder = new TextEncoder();
  const sizes = Object.entries(annotations).map(([key, value]) => key.length + encoder.encode(value).length);
  const isTooLong = sizes.reduce((sum, size) => sum + size, 0) > ANNOTATIONS_LIMIT_BYTES;
  const message = `Too long: may not be more than ${ANNOTATIONS_LIMIT_BYTES} bytes`;
  return isTooLong ? [{ reason: "FieldValueTooLong", message, field: "metadata.annotations" }] : [];
}

function wrong(field: string, value: string, why: string): Cause {
  return { reason: "FieldValueInvalid", message: `Invalid value: "${value}": ${why}`, field };
}
