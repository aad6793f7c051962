import { required, wrong } from "./causes.ts";
import type { Cause } from "./failure.ts";
import { objectOr } from "./json.ts";
import type { KubeObject } from "./objects.ts";

const LIMIT_BYTES = 1_048_576;

const KEY_RULE = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or " +
  "'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/** What is wrong with the keys and the size of a ConfigMap or a Secret. Only values count, decoded. */
export function payloadFaults(object: KubeObject): Cause[] {
  const text = Object.entries(objectOr(object.data));
  const binary = Object.entries(objectOr(object.binaryData));
  const keys = [...text, ...binary].filter(([key]) => !/^[-._a-zA-Z0-9]+$/.test(key))
    .map(([key]) => wrong(`data[${key}]`, key, KEY_RULE));
  const twice = text.filter(([key]) => binary.some(([other]) => other === key))
    .map(([key]) => wrong(`data[${key}]`, key, "duplicate of key present in binaryData"));
  return [...keys, ...twice, ...sizeFaults(object), ...missingKeys(object)];
}

function sizeFaults(object: KubeObject): Cause[] {
  const isSecret = object.kind === "Secret";
  const sizes = (map: unknown, isEncoded: boolean) =>
    Object.values(objectOr(map)).map((value) => isEncoded ? decodedBytes(String(value)) : bytes(String(value)));
  const all = [...sizes(object.data, isSecret), ...sizes(object.binaryData, true)];
  if (all.reduce((sum, size) => sum + size, 0) <= LIMIT_BYTES) return [];
  const message = `Too long: may not be more than ${LIMIT_BYTES} bytes`;
  return [{ reason: "FieldValueTooLong", message, field: isSecret ? "data" : "[]" }];
}

function bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}

function decodedBytes(text: string): number {
  const encoded = text.replace(/[\r\n]/g, "");
  return Math.floor(encoded.replace(/=+$/, "").length * 3 / 4);
}

const NEEDED_KEYS: Record<string, readonly string[]> = {
  "kubernetes.io/tls": ["tls.crt", "tls.key"],
  "kubernetes.io/dockerconfigjson": [".dockerconfigjson"],
  "kubernetes.io/ssh-auth": ["ssh-privatekey"],
};

function missingKeys({ kind, type, data }: KubeObject): Cause[] {
  const needed = kind === "Secret" ? NEEDED_KEYS[String(type)] ?? [] : [];
  return needed.filter((key) => objectOr(data)[key] === undefined).map((key) => required(`data[${key}]`));
}
