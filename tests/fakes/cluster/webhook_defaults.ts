import { isJsonObject, type Json, type JsonObject, listOr, objectOr } from "./json.ts";
import type { KubeObject } from "./objects.ts";
import { filledIn } from "./pod_defaults.ts";

const HOOK: JsonObject = {
  failurePolicy: "Fail",
  matchPolicy: "Equivalent",
  namespaceSelector: {},
  objectSelector: {},
  timeoutSeconds: 10,
};

/** A webhook configuration with what the server fills in. */
export function withWebhookDefaults(configuration: KubeObject): KubeObject {
  if (!Array.isArray(configuration.webhooks)) return configuration;
  const own = configuration.kind === "MutatingWebhookConfiguration" ? { ...HOOK, reinvocationPolicy: "Never" } : HOOK;
  return { ...configuration, webhooks: configuration.webhooks.map((webhook) => filled(webhook, own)) };
}

function filled(webhook: Json, own: JsonObject): JsonObject {
  const whole = filledIn(webhook, own);
  if (Array.isArray(whole.rules)) whole.rules = listOr(whole.rules).map((rule) => filledIn(rule, { scope: "*" }));
  const client = objectOr(whole.clientConfig);
  if (!isJsonObject(client.service)) return whole;
  return { ...whole, clientConfig: { ...client, service: filledIn(client.service, { port: 443 }) } };
}

/** An APIService with what the server fills in. */
export function withApiServiceDefaults(service: KubeObject): KubeObject {
  const spec = objectOr(service.spec);
  if (!isJsonObject(spec.service)) return service;
  return { ...service, spec: { ...spec, service: filledIn(spec.service, { port: 443 }) } };
}
